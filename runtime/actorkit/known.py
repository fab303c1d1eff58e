"""The events that an instance has seen lately or is working on, so that repeats are recognised. No sockets, no clock.

Of two arrivals of one event at least one is marked as redelivered: whoever sends something again marks it, and what is
made of a marked event is marked too (docs/protocol.md, "Repeats"). So an arrival without a mark needs to be compared
with marked ones only, and while there is none, all that is done for an event is to note its name.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, repeat
from typing import Protocol

from actorkit.wire import Arrived


class Finishing(Protocol):
    """A session, as far as repeats go."""

    def finish(self, number: int) -> None: ...

    def is_finished(self, number: int) -> bool: ...


#: Where an event arrived: (its trace, its session, its number there).
_Place = tuple[int, Finishing, int]


class _Generation:
    """Names of events, noted in the order in which they came; looked up only when a marked one comes."""

    __slots__ = ("_index", "_noted", "count", "marked")

    def __init__(self) -> None:
        self.count = 0
        #: Those that came with a mark, by id.
        self.marked: dict[int, _Place] = {}
        #: What the index does not have yet: (session, number of the first, ids, traces).
        self._noted: list[tuple[Finishing, int, array[int], array[int]]] = []
        self._index: dict[int, _Place] = {}

    def note(self, session: Finishing, first: int, parcels: Sequence[Arrived]) -> None:
        """Remember these, which have consecutive numbers. What is noted takes 16 bytes an event; the index takes many
        times as much."""
        self.count += len(parcels)
        ids, traces = [parcel.id for parcel in parcels], [parcel.trace for parcel in parcels]
        self._noted.append((session, first, array("Q", ids), array("Q", traces)))

    def find(self, id_: int) -> _Place | None:
        """Where an event of that id was noted."""
        for session, first, ids, traces in self._noted:
            places = zip(traces, repeat(session), count(first))
            self._index.update(zip(ids, places, strict=False))
        self._noted.clear()
        return self._index.get(id_)


class Known:
    """The names of the events that arrived lately at one instance, and where.

    At least `memory` and at most twice as many are remembered: two generations, the older one forgotten whole, so that
    forgetting costs nothing per event. Ids are kept with their traces, as both together are an event's name.

    Attributes:
        consuming: what each worker has taken and not reported yet.
        twins: repeats of events that are not finished: they are finished together with them.
    """

    def __init__(self, memory: int = 65_536) -> None:
        self._memory = memory
        self._recent = _Generation()
        self._older = _Generation()
        self.consuming: list[Sequence[Arrived]] = [()]
        self.twins: dict[int, list[tuple[Finishing, int]]] = {}

    def note(self, session: Finishing, first: int, parcels: Sequence[Arrived]) -> None:
        """Remember events that are consumed now; the older generation goes when the younger one is full."""
        if self._recent.count >= self._memory:
            self._older, self._recent = self._recent, _Generation()
        self._recent.note(session, first, parcels)

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
        self.note(session, first, parcels)
        return ((first, parcels),)

    def release(self, worker: int) -> None:
        """A worker has consumed what it took, and its session knows."""
        if self.twins:
            for parcel in self.consuming[worker]:
                if not parcel.pending:
                    self.finish_twins(parcel.id)
        self.consuming[worker] = ()

    def _sift(
        self, session: Finishing, first: int, parcels: list[Arrived], taken: list[Arrived]
    ) -> Iterator[tuple[int, list[Arrived]]]:
        run: list[Arrived] = []
        number = first
        for number, parcel in enumerate(parcels, first):
            earlier = self._earlier(parcel)
            if earlier is not None:
                self._repeat(session, number, parcel.id, earlier)
                if run:
                    yield number - len(run), run
                    run = []
            else:
                if parcel.redelivered:
                    self._recent.marked[parcel.id] = (parcel.trace, session, number)
                self.note(session, number, (parcel,))
                taken.append(parcel)
                run.append(parcel)
        if run:
            yield number - len(run) + 1, run

    def _earlier(self, parcel: Arrived) -> _Place | None:
        """Where the event arrived that this one repeats."""
        for generation in (self._recent, self._older):
            place = generation.find(parcel.id) if parcel.redelivered else generation.marked.get(parcel.id)
            if place is not None and place[0] == parcel.trace:
                return place
        return None

    def _repeat(self, session: Finishing, number: int, id_: int, earlier: _Place) -> None:
        if earlier[1].is_finished(earlier[2]):
            session.finish(number)
        else:
            self.twins.setdefault(id_, []).append((session, number))

    def finish_twins(self, id_: int) -> None:
        """The event of that id is finished, and so are its repeats."""
        for session, number in self.twins.pop(id_, ()):
            session.finish(number)
