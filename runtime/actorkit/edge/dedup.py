"""The events that an instance has seen lately or is working on, so that repeats are recognised. No sockets, no clock.

Of two deliveries of one event at least one is marked as redelivered: whoever sends something again marks it, and what
is made of a marked event is marked too (docs/protocol.md, "Repeats"). So a delivery without a mark needs to be compared
with marked ones only, and while there is none, all that is done for an event is to remember its name.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, repeat
from typing import Protocol

from actorkit.edge.wire import Delivery


class Finishing(Protocol):
    """A session, as far as repeats go."""

    def finish(self, number: int) -> None: ...

    def is_finished(self, number: int) -> bool: ...


#: Where an event arrived: (its trace, its session, its number there).
_Arrival = tuple[int, Finishing, int]


class _Generation:
    """Names of events, noted in the order in which they came; looked up only when a marked one comes."""

    __slots__ = ("_index", "_remembered", "count", "redelivered")

    def __init__(self) -> None:
        self.count = 0
        #: Those that came with a mark, by id.
        self.redelivered: dict[int, _Arrival] = {}
        #: What the index does not have yet: (session, number of the first, ids, traces).
        self._remembered: list[tuple[Finishing, int, array[int], array[int]]] = []
        self._index: dict[int, _Arrival] = {}

    def remember(self, session: Finishing, first: int, parcels: Sequence[Delivery]) -> None:
        """Remember these, which have consecutive numbers. What is noted takes 16 bytes an event; the index takes many
        times as much."""
        self.count += len(parcels)
        ids, traces = [parcel.id for parcel in parcels], [parcel.trace for parcel in parcels]
        self._remembered.append((session, first, array("Q", ids), array("Q", traces)))

    def find(self, id_: int) -> _Arrival | None:
        """Where an event of that id was noted."""
        for session, first, ids, traces in self._remembered:
            places = zip(traces, repeat(session), count(first))
            self._index.update(zip(ids, places, strict=False))
        self._remembered.clear()
        return self._index.get(id_)


class DedupWindow:
    """The names of the events that arrived lately at one instance, and where.

    At least `memory` and at most twice as many are remembered: two generations, the older one forgotten whole, so that
    forgetting costs nothing per event. Ids are kept with their traces, as both together are an event's name.

    Attributes:
        in_progress: what each worker has taken and not reported yet.
        pending_duplicates: repeats of events that are not finished: they are finished together with them.
    """

    def __init__(self, memory: int = 65_536) -> None:
        self._memory = memory
        self._recent = _Generation()
        self._older = _Generation()
        self.in_progress: list[Sequence[Delivery]] = [()]
        self.pending_duplicates: dict[int, list[tuple[Finishing, int]]] = {}

    def remember(self, session: Finishing, first: int, parcels: Sequence[Delivery]) -> None:
        """Remember events that are consumed now; the older generation goes when the younger one is full."""
        if self._recent.count >= self._memory:
            self._older, self._recent = self._recent, _Generation()
        self._recent.remember(session, first, parcels)

    def admit(
        self, worker: int, session: Finishing, first: int, parcels: list[Delivery], redelivered: bool
    ) -> Iterable[tuple[int, list[Delivery]]]:
        """What a worker has to consume of an arrival: the events that are no repeats, in runs with consecutive
        numbers, as (first number, events). They are remembered. A repeat is finished now, or with the event that it
        repeats. The worker says `release` when it has consumed all of them.

        `marked` tells whether any of the events is marked as redelivered.
        """
        if redelivered or self._recent.redelivered or self._older.redelivered:
            taken: list[Delivery] = []
            self.in_progress[worker] = taken
            return self._sift(session, first, parcels, taken)
        self.in_progress[worker] = parcels
        self.remember(session, first, parcels)
        return ((first, parcels),)

    def knows(self, parcel: Delivery) -> bool:
        """Whether an event arrived before."""
        return self._earlier(parcel) is not None

    def settle(self, worker: int) -> None:
        """A worker has consumed what it took, and its session knows."""
        if self.pending_duplicates:
            for parcel in self.in_progress[worker]:
                if not parcel.pending:
                    self.finish_duplicates(parcel.id)
        self.in_progress[worker] = ()

    def _sift(
        self, session: Finishing, first: int, parcels: list[Delivery], taken: list[Delivery]
    ) -> Iterator[tuple[int, list[Delivery]]]:
        run: list[Delivery] = []
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
                    self._recent.redelivered[parcel.id] = (parcel.trace, session, number)
                self.remember(session, number, (parcel,))
                taken.append(parcel)
                run.append(parcel)
        if run:
            yield number - len(run) + 1, run

    def _earlier(self, parcel: Delivery) -> _Arrival | None:
        """Where the event arrived that this one repeats."""
        for generation in (self._recent, self._older):
            place = generation.find(parcel.id) if parcel.redelivered else generation.redelivered.get(parcel.id)
            if place is not None and place[0] == parcel.trace:
                return place
        return None

    def _repeat(self, session: Finishing, number: int, id_: int, earlier: _Arrival) -> None:
        if earlier[1].is_finished(earlier[2]):
            session.finish(number)
        else:
            self.pending_duplicates.setdefault(id_, []).append((session, number))

    def finish_duplicates(self, id_: int) -> None:
        """The event of that id is finished, and so are its repeats."""
        for session, number in self.pending_duplicates.pop(id_, ()):
            session.finish(number)
