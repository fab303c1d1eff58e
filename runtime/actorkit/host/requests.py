"""Requests of an instance: who waits for which event to come back."""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.event import AsyncResult

from actorkit.errors import AnswerTimeout, Draining, NotAnswered
from actorkit.event import Event
from actorkit.event.ids import ids
from actorkit.host.outboxes import Outboxes


class Requests:
    """Sends events that come home, and gives each answer to the one who waits for it."""

    def __init__(self, actor: str, instance: str, outboxes: Outboxes) -> None:
        self._actor = actor
        self._instance = instance
        self._outboxes = outboxes
        self._waiting: dict[bytes, AsyncResult] = {}
        #: Keys begin at random, so that a late answer finds nobody who waits in the next process of that name.
        self._next_key = ids()
        self.draining = False

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(
        self, event: Event, outbox: str | None, timeout_s: float, finished: Callable[[], None] | None = None
    ) -> Event:
        """Send an event and wait for its answer. `finished` is called once, when all that it became is done, or when it
        could not be sent.

        Raises:
            NotAnswered: the event was dealt with completely, and nothing came back.
            AnswerTimeout: nothing came back within `timeout_s` seconds.
            NotFound: no outbox of that name is connected.
            Draining: this instance is about to stop.
        """
        answer = AsyncResult()
        try:
            key = self._send(event, outbox, answer, finished)
        except BaseException:
            if finished is not None:
                finished()
            raise
        try:
            result: Event | None = answer.get(timeout=timeout_s)
        except gevent.Timeout as exc:
            raise AnswerTimeout(f"no answer came within {timeout_s:g} s") from exc
        finally:
            del self._waiting[key]
        if result is None:
            raise NotAnswered("the event was dealt with, and nothing came back")
        return result

    def _send(
        self, event: Event, outbox: str | None, answer: AsyncResult, finished: Callable[[], None] | None
    ) -> bytes:
        """Send an event whose answer goes there; returns the key of the one who waits."""
        if self.draining:
            raise Draining("this instance is about to stop; ask another one")
        targets = self._outboxes.targets(outbox)
        key = self._next_key().to_bytes(8, "big")
        reply_to = {**(event.reply_to or {}), self._actor: (self._instance, key)}

        def end() -> None:
            self._finished(answer)
            if finished is not None:
                finished()

        self._waiting[key] = answer
        try:
            self._outboxes.emit_root(event, targets, end, reply_to)
        except BaseException:
            del self._waiting[key]
            raise
        return key

    @staticmethod
    def _finished(answer: AsyncResult) -> None:
        if not answer.ready():
            answer.set(None)

    def answered(self, event: Event) -> None:
        """Take an event that came back. It goes to the one who waits; nobody waits for a late or second one."""
        reply_to = event.reply_to or {}
        _, key = reply_to.get(self._actor, ("", b""))
        answer = self._waiting.get(key)
        if answer is None or answer.ready():
            self._outboxes.drop("late-answer" if key else "not-asked-for")
            return
        event.reply_to = {actor: home for actor, home in reply_to.items() if actor != self._actor} or None
        answer.set(event)
