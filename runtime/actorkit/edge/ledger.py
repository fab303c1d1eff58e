"""The ledger: what is not finished yet, and who has to be told when it is.

An event is finished when `consume` has ended and every event that it became is finished downstream. Backlog,
back-pressure, drain and readiness all read it from here. No sockets, no clock.

An *entry* waits for events that were sent: `pending` counts them, and `done()` is called when the count has come to 0.
`tell` is called before that with what became of an event. A delivery is the entry of what it becomes
(`wire.Delivery`); a `Root` is the entry of an event that began here.
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
    """Count down what an entry waits for, and end it at 0. (The hot path has this written out.)"""
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
