"""The ledger: what is not finished yet, and who has to be told when it is.

An event is finished when `consume` has ended and every event that it became is finished downstream. Backlog,
back-pressure, drain and readiness all read it from here. No sockets, no clock.

An *entry* is what waits for events that were sent: it has a `pending` count, and `done()` is called when that comes to
nothing. Arrived events are entries themselves (`wire.Arrived`); `Root` is the one for events that began here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from actorkit.wire import Arrived, Parcel


class Entry(Protocol):
    """Waits for `pending` events."""

    pending: int

    def done(self) -> None: ...


class Finishing(Protocol):
    """A session that is told the numbers that are finished."""

    def finish(self, number: int) -> None: ...


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


class Known:
    """The events of one instance that arrived lately or are in work, by id, so that repeats are recognised.

    At least `memory` and at most twice as many are remembered: two generations, the older one forgotten whole, so that
    forgetting costs nothing per event. Ids are kept with their traces, as both together are an event's name.

    Attributes:
        working: events that were consumed and are not finished.
        twins: repeats of events that are not finished: they are finished together with them.
    """

    def __init__(self, memory: int = 65_536) -> None:
        self._memory = memory
        self.recent: dict[int, int] = {}
        self.older: dict[int, int] = {}
        self.working: dict[int, Arrived] = {}
        self.twins: dict[int, list[tuple[Finishing, int]]] = {}
        #: What each worker is consuming at this moment; 0: nothing.
        self.consuming: list[int] = []

    def forget(self) -> None:
        """Let the older generation go when the younger one is full; to be called now and then."""
        if len(self.recent) >= self._memory:
            self.older, self.recent = self.recent, {}

    def repeats(self, parcel: Arrived) -> bool:
        """Whether an event of that name arrived before."""
        id_ = parcel.id
        trace = self.recent.get(id_)
        if trace is None:
            trace = self.older.get(id_)
        return trace == parcel.trace

    def repeat(self, session: Finishing, number: int, parcel: Arrived) -> None:
        """A repeat has come: it is finished now, or with the event that it repeats."""
        if parcel.id in self.working or parcel.id in self.consuming:
            self.twins.setdefault(parcel.id, []).append((session, number))
        else:
            session.finish(number)

    @property
    def in_work(self) -> int:
        """How many events have arrived at a worker and are not finished."""
        return len(self.working) + sum(1 for id_ in self.consuming if id_ and id_ not in self.working)

    def is_over(self, parcel: Parcel | None) -> bool:
        """Whether an event is neither being consumed nor waited for: what is sent now belongs to it no more."""
        return isinstance(parcel, Arrived) and not parcel.pending and parcel.id not in self.consuming

    def finish_twins(self, id_: int) -> None:
        """The event of that id is finished, and so are its repeats."""
        for session, number in self.twins.pop(id_, ()):
            session.finish(number)
