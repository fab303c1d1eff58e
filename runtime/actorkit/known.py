"""The events that an instance has seen lately or is working on, so that repeats are recognised. No sockets, no clock.

Of two arrivals of one event at least one is marked as redelivered: whoever sends something again marks it, and what is
made of a marked event is marked too (docs/protocol.md, "Repeats"). So an arrival without a mark needs to be compared
with marked ones only, and while there is none, all that is done for an event is to note its name.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from actorkit.wire import Arrived


class Finishing(Protocol):
    """A session that is told the numbers that are finished."""

    def finish(self, number: int) -> None: ...


class _Generation:
    """Names of events, noted in the order in which they came; looked up only when a marked one comes."""

    __slots__ = ("_index", "_noted", "count", "marked")

    def __init__(self) -> None:
        self.count = 0
        #: Trace by id: of those that came with a mark.
        self.marked: dict[int, int] = {}
        #: Ids and traces that the index does not have yet.
        self._noted: list[tuple[array[int], array[int]]] = []
        self._index: dict[int, int] = {}

    def note(self, parcels: Sequence[Arrived]) -> None:
        """Remember these. What is noted takes 16 bytes an event; the index is six times as large."""
        self.count += len(parcels)
        self._noted.append(
            (array("Q", [parcel.id for parcel in parcels]), array("Q", [parcel.trace for parcel in parcels]))
        )

    def has(self, parcel: Arrived) -> bool:
        """Whether an event of that name has been noted."""
        if self._noted:
            for ids, traces in self._noted:
                self._index.update(zip(ids, traces, strict=True))
            self._noted.clear()
        return self._index.get(parcel.id) == parcel.trace


class Known:
    """The events of one instance that arrived lately or are in work.

    At least `memory` and at most twice as many are remembered: two generations, the older one forgotten whole, so that
    forgetting costs nothing per event. Ids are kept with their traces, as both together are an event's name.

    Attributes:
        working: events that were consumed and are not finished.
        consuming: what each worker has taken and not reported yet.
        twins: repeats of events that are not finished: they are finished together with them.
    """

    def __init__(self, memory: int = 65_536) -> None:
        self._memory = memory
        self._recent = _Generation()
        self._older = _Generation()
        self.working: dict[int, Arrived] = {}
        self.consuming: list[Sequence[Arrived]] = [()]
        self.twins: dict[int, list[tuple[Finishing, int]]] = {}

    def note(self, parcels: Sequence[Arrived]) -> None:
        """Remember events that are consumed now; the older generation goes when the younger one is full."""
        if self._recent.count >= self._memory:
            self._older, self._recent = self._recent, _Generation()
        self._recent.note(parcels)

    def take(
        self, worker: int, session: Finishing, first: int, parcels: list[Arrived], marked: bool
    ) -> Iterable[tuple[int, list[Arrived]]]:
        """What a worker has to consume of an arrival: the events that are no repeats, in runs with consecutive
        numbers, as (first number, events). They are remembered. A repeat is finished now, or with the event that it
        repeats. The worker says `release` when it has consumed all of them.

        `marked` tells whether any of the events is marked as redelivered.
        """
        if marked or self._recent.marked or self._older.marked:
            taken: list[Arrived] = []
            self.consuming[worker] = taken
            return self._sift(session, first, parcels, taken)
        self.consuming[worker] = parcels
        self.note(parcels)
        return ((first, parcels),)

    def release(self, worker: int) -> None:
        """A worker has consumed what it took, and its session knows."""
        if self.twins:
            for parcel in self.consuming[worker]:
                if parcel.id not in self.working:
                    self.finish_twins(parcel.id)
        self.consuming[worker] = ()

    def _sift(
        self, session: Finishing, first: int, parcels: list[Arrived], taken: list[Arrived]
    ) -> Iterator[tuple[int, list[Arrived]]]:
        run: list[Arrived] = []
        number = first
        for number, parcel in enumerate(parcels, first):
            if self._repeats(parcel):
                self._repeat(session, number, parcel)
                if run:
                    yield number - len(run), run
                    run = []
            else:
                if parcel.redelivered:
                    self._recent.marked[parcel.id] = parcel.trace
                self.note((parcel,))
                taken.append(parcel)
                run.append(parcel)
        if run:
            yield number - len(run) + 1, run

    def _repeats(self, parcel: Arrived) -> bool:
        if parcel.redelivered:
            return self._recent.has(parcel) or self._older.has(parcel)
        return parcel.trace in (self._recent.marked.get(parcel.id), self._older.marked.get(parcel.id))

    def _repeat(self, session: Finishing, number: int, parcel: Arrived) -> None:
        if parcel.id in self.working or any(parcel.id == other.id for taken in self.consuming for other in taken):
            self.twins.setdefault(parcel.id, []).append((session, number))
        else:
            session.finish(number)

    @property
    def in_work(self) -> int:
        """How many events have arrived at a worker and are not finished."""
        return len(self.working) + sum(not parcel.number for taken in self.consuming for parcel in taken)

    def finish_twins(self, id_: int) -> None:
        """The event of that id is finished, and so are its repeats."""
        for session, number in self.twins.pop(id_, ()):
            session.finish(number)
