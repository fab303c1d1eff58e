"""Sending letters once more: to the inbox that each came into, over an edge as any other event.

A letter leaves the store when its event is finished at the actor. So a kill at any moment loses nothing; a letter whose
event was finished and that was not taken out yet is sent again later under the same id, by which the actor knows it as
long as it remembers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import zmq
from gevent.event import Event as Flag

from actorkit.deadletters.letter import Letter
from actorkit.deadletters.pace import Pace
from actorkit.deadletters.store import DeadLetterError, Store, Stored
from actorkit.edge.connector import Connector
from actorkit.edge.keyed import KeyedSender
from actorkit.edge.ledger import Root, settle
from actorkit.edge.peers import Peers
from actorkit.edge.sender import Sender
from actorkit.event import Event
from actorkit.graph import DEAD_LETTERS
from actorkit.transport.keys import ClientKeys

#: Longest time for an actor to finish any of the events that are sent once more, in seconds.
RETRY_TIMEOUT_S: Final = 30.0

#: Events that are sent and not finished, at most.
MOST_OPEN: Final = 256

#: Finished letters are taken out together: so many at most, and so often, in seconds.
MOST_FINISHED: Final = 100
SETTLE_S: Final = 0.05


class Retry:
    """One run of `retry`. `inboxes` says where actors are reached; `rate` is how many letters a second at most, 0: as
    fast as they are taken; `stopped` tells whether whoever asked for it is gone.

    Attributes:
        sent: letters whose events are finished, and which have left the store.
    """

    def __init__(
        self,
        store: Store,
        topology: str,
        inboxes: Sequence[tuple[str, Peers]],
        keys: ClientKeys | None,
        rate: float = 0.0,
        stopped: Callable[[], bool] = lambda: False,
        timeout_s: float = RETRY_TIMEOUT_S,
    ) -> None:
        self.sent = 0
        self._store = store
        self._topology = topology
        self._inboxes = inboxes
        self._keys = keys
        self._pace = Pace(rate)
        self._stopped = stopped
        self._timeout_s = timeout_s
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._connectors: dict[tuple[str, str], Connector] = {}
        self._open: dict[int, Stored] = {}
        self._finished: list[Stored] = []
        self._news = Flag()
        self._progress = self._settled = time.monotonic()

    def run(self, letters: Iterable[Stored]) -> None:
        """Send all of them, and wait until they are finished.

        Raises:
            DeadLetterError: nothing was finished for a long time, or the store cannot be written. What is not finished
                is still in the store.
        """
        try:
            for stored in letters:
                if not self._wait_for_room():
                    return
                self._send(stored)
            while self._open and not self._stopped():
                self._wait(SETTLE_S)
        finally:
            self._take_out()
            self._close()

    def _wait_for_room(self) -> bool:
        """Wait until one more may be sent; False: nobody asks for it any more."""
        while not self._stopped():
            pause_s = self._pace.wait_s(now := time.monotonic())
            if not pause_s and len(self._open) < MOST_OPEN:
                self._pace.went(now)
                return True
            self._wait(min(pause_s or SETTLE_S, SETTLE_S))
        return False

    def _wait(self, seconds: float) -> None:
        self._news.wait(seconds)
        self._news.clear()
        now = time.monotonic()
        if len(self._finished) >= MOST_FINISHED or now - self._settled >= SETTLE_S:
            self._take_out()
        if not self._open:
            self._progress = now
        if now - self._progress > self._timeout_s:
            one = next(iter(self._open.values())).letter
            raise DeadLetterError(
                f"{one.actor} did not finish {one.id} within {self._timeout_s:g} s; sent {self.sent}, and "
                f"{len(self._open)} that may still be finished stay in the box"
            )

    def _send(self, stored: Stored) -> None:
        letter = stored.letter
        connector = self._connector(letter)
        if not self._open:
            self._progress = time.monotonic()
        self._open[stored.seq] = stored
        root = Root(lambda: self._end(stored))
        parcel = letter.parcel()
        connector.sender.put(parcel, root, Event.received(parcel))
        settle(root)
        connector.flush()

    def _end(self, stored: Stored) -> None:
        del self._open[stored.seq]
        self._finished.append(stored)
        self._progress = time.monotonic()
        self._news.set()

    def _take_out(self) -> None:
        """Have the store rid of what is finished."""
        self._settled = time.monotonic()
        finished, self._finished = self._finished, []
        if finished:
            self._store.remove(finished, again=True)
            self.sent += len(finished)

    def _connector(self, letter: Letter) -> Connector:
        """The connection to the inbox that a letter came into.

        Raises:
            DeadLetterError: the actor is not there any more.
        """
        name = letter.actor, letter.inbox
        if name not in self._connectors:
            peers = self._peers(*name)
            kind = KeyedSender if peers.options.key else Sender
            sender = kind(self._topology, DEAD_LETTERS, f"{DEAD_LETTERS}-retry", "retry", peers)
            self._connectors[name] = Connector(self._context, sender, self._flush, self._keys)
        return self._connectors[name]

    def _peers(self, actor: str, inbox: str) -> Peers:
        found = [peers for name, peers in self._inboxes if name == actor]
        if not found:
            names = ", ".join(sorted({name for name, _ in self._inboxes})) or "none"
            raise DeadLetterError(f'there is no actor "{actor}" to send its letters to; there are: {names}')
        peers = next((one for one in found if one.inbox == inbox), found[0])
        options = replace(
            peers.options, delivery="at-least-once", key=peers.options.key if peers.inbox == inbox else ""
        )
        return Peers(peers.endpoints, inbox, options)

    def _flush(self) -> None:
        """A peer has said something: what waited for it may go."""
        for connector in list(self._connectors.values()):
            connector.flush()

    def _close(self) -> None:
        for connector in self._connectors.values():
            connector.close()
        with suppress(zmq.ZMQError):
            self._context.destroy(linger=0)
