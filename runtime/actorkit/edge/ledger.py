"""The ledger: what is not finished yet, and who has to be told when it is.

An event is finished when `consume` has ended and every event that it became is finished downstream. Backlog,
back-pressure, drain and readiness all read it from here. No sockets, no clock.

An *entry* is what waits for events that were sent: it has a `pending` count, and `done()` is called when that comes to
nothing. Delivery events are entries themselves (`wire.Delivery`); `Root` is the one for events that began here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Entry(Protocol):
    """Waits for `pending` events."""

    pending: int

    def done(self) -> None: ...


def settle(entry: Entry) -> None:
    """One thing less for an entry to wait for. (The hot path has this written out.)"""
    entry.pending -= 1
    if not entry.pending:
        entry.done()


class Root:
    """An event that began here, as a request did; `finished` is called once, when all it became is done."""

    __slots__ = ("done", "pending")

    def __init__(self, finished: Callable[[], None]) -> None:
        self.pending = 1
        self.done = finished
