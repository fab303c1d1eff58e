"""The ledger: what is not finished yet, and who has to be told when it is.

An event is finished when `consume` has ended and every event that it became is finished downstream. Backlog,
back-pressure, drain and readiness all read it from here. No sockets, no clock.

An *entry* is what waits for events that were sent: it has a `pending` count, and `done()` is called when that comes to
nothing. What became of the events may be told before (`tell`). Delivery events are entries themselves
(`wire.Delivery`); `Root` is the one for events that began here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from actorkit.edge.outcome import Outcome


class Entry(Protocol):
    """Waits for `pending` events."""

    pending: int

    def done(self) -> None: ...

    def tell(self, outcome: Outcome, /) -> None:
        """Take what became of an event that this entry still waits for."""


def settle(entry: Entry) -> None:
    """One thing less for an entry to wait for. (The hot path has this written out.)"""
    entry.pending -= 1
    if not entry.pending:
        entry.done()


def ignore(_: Outcome) -> None:
    """Nobody asked: a feed goes on whatever becomes of its events."""


class Root:
    """An event that began here, as a request did; `finished` is called once, when all it became is done, and before
    that `told` with each outcome that comes up."""

    __slots__ = ("done", "pending", "tell")

    def __init__(self, finished: Callable[[], None], told: Callable[[Outcome], None] = ignore) -> None:
        self.pending = 1
        self.done = finished
        self.tell = told
