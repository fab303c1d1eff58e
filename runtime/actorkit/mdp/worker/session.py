"""A worker's side of RFC 7/MDP: one registration with one broker, as a state machine without a socket."""

from __future__ import annotations

import os
from collections.abc import Sequence

from actorkit.mdp.errors import FrameError
from actorkit.mdp.frames import (
    OUR_WORKER,
    SLOT_BYTES,
    V1,
    Part,
    disconnect,
    heartbeat,
    parse_command,
    ready,
    worker_reply,
)


class WorkerSession:
    """One session with a broker, from READY to DISCONNECT. Every method returns the messages to send.

    When `ended`, nothing more may be sent: the socket is closed, and a new session begins on a new one with a new
    `identity` (rules 16, 18).
    """

    def __init__(
        self, service: bytes, heartbeat_s: float, liveness: int, now: float, process: bytes = OUR_WORKER
    ) -> None:
        """Begin nothing yet; routing ids of a `process` with several slots begin with its name."""
        self.service = service
        self.identity = process + os.urandom(SLOT_BYTES)
        self.ended = False
        #: Why it ended, for the log.
        self.why = ""
        #: Whether anything has come from the broker.
        self.has_broker = False
        #: The client whose request is being done.
        self.client: bytes | None = None
        self._heartbeat_s = heartbeat_s
        self._expiry_s = heartbeat_s * liveness
        self._last_heard = now
        self._last_tick = now
        #: The broker's silence before this time is not held against it: we did not listen.
        self._awake_since = now
        self._last_sent = now
        self._last_beat = now
        self._beat_due = False
        self._draining = False

    def __repr__(self) -> str:
        state = f"ended: {self.why}" if self.ended else "idle" if self.client is None else "busy"
        return f"<WorkerSession about {self.service.decode()}: {state}>"

    def begin(self) -> list[list[Part]]:
        """Register."""
        return [ready(self.service)]

    def on_message(self, frames: Sequence[bytes], now: float) -> list[bytes] | None:
        """Take a message; returns the body of a request. What is not a command of the broker is dropped (rule 10)."""
        self._last_heard = now  # rule 13
        try:
            command = parse_command(frames)
        except FrameError:
            return None
        self.has_broker = True
        if command.command == V1.disconnect:
            self._end("the broker disconnected")
        elif command.command == V1.request:
            if self.client is not None:
                # Rule 5: one request at a time. A broker that gives two is not one to go on with.
                self._end("the broker gave a second request")
                return None
            self.client = command.client
            return command.body
        else:
            # Answered, unless something was said a moment ago (rule 14): so a broker's interval, if it is shorter than
            # ours, holds in both directions.
            self._beat_due = now - self._last_sent >= (now - self._last_beat) / 2
            self._last_beat = now
        return None

    def answer(self, body: Sequence[bytes], now: float) -> list[list[Part]]:
        """Answer the request that is being done (rule 19); the last thing said when draining."""
        if self.ended or self.client is None:
            return []
        messages = [worker_reply(self.client, body or [b""])]
        self.client = None
        self._last_sent = now
        self._beat_due = False
        if self._draining:
            messages += self.drain()
        return messages

    def drain(self) -> list[list[Part]]:
        """Take no more: disconnect now if idle, else after the answer.

        A request that the broker sent meanwhile is not begun. Our broker knows that from our identity.
        """
        self._draining = True
        if self.ended or self.client is not None:
            return []
        self._end("drained")
        return [disconnect()]

    def tick(self, now: float) -> list[list[Part]]:
        """Send a heartbeat when it is time (rule 14); end when the broker has been silent for too long (rule 19).

        Call it several times in an interval. When that was not possible, this process stood still, and perhaps the
        whole machine with the broker on it: then the broker gets its time anew, as the broker gives it to workers. Else
        whoever woke first would give the other up, and a request that is being done would be done again.
        """
        if self.ended:
            return []
        if now - self._last_tick > self._heartbeat_s:
            self._awake_since = now
        self._last_tick = now
        if now - max(self._last_heard, self._awake_since) >= self._expiry_s:
            self._end("the broker fell silent")
            return []
        if now - self._last_sent < self._heartbeat_s and not self._beat_due:
            return []
        self._last_sent = now
        self._beat_due = False
        return [heartbeat()]

    def _end(self, why: str) -> None:
        self.ended = True
        self.why = why
