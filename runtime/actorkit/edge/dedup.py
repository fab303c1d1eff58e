"""The events that an instance has seen lately or is working on, so that repeats are recognised. No sockets; the clock
is an argument.

Of two deliveries of one event at least one is redelivered: whoever sends something again says so, and what is made of a
redelivered event is redelivered too (docs/protocol.md, "Repeats"). So a delivery that is not needs to be compared with
redelivered ones only, and while there is none, all that is done for an event is to remember its name.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from actorkit.edge.names import NameTable
from actorkit.edge.outcome import KeptOutcomes
from actorkit.edge.wire import Delivery, Session

log = logging.getLogger("actorkit.edge")

#: How many events are remembered at least, however old they are.
REMEMBER_EVENTS: Final = 65_536

#: Events are remembered for at least this long, in seconds: 4 until a silent peer is given up, 20 for which it may be
#: paused or cut off, and 6 in which what waited meanwhile gets through.
REMEMBER_S: Final = 30.0

#: Memory that the names may take where their maker says nothing, in bytes.
REMEMBER_BYTES: Final = 64 << 20

#: In how many generations, about, the events are kept; the oldest generation is forgotten whole.
GENERATIONS: Final = 8

#: After how many events the clock is looked at.
STRIDE: Final = 1024


class _Generation:
    """Names of events that came one after the other."""

    __slots__ = ("closed", "names", "opened", "redelivered")

    def __init__(self, opened: float) -> None:
        self.opened = opened
        #: When the last one came.
        self.closed = opened
        self.names = NameTable()
        #: The redelivered events among them, once more.
        self.redelivered = NameTable()

    @property
    def bytes(self) -> int:
        return self.names.bytes + self.redelivered.bytes


class DedupWindow:
    """The names of the events that arrived lately at one instance, and where.

    At least `least` events are remembered, and all of the last `remember_s` seconds, as far as `max_bytes` go. They are
    forgotten by whole generations, so that forgetting costs nothing for each event. Ids are kept with their traces, as
    both together are an event's name.

    Attributes:
        in_progress: what each worker has taken and not reported yet.
        duplicates: repeats so far, which were not consumed again.
        forgotten: events that were forgotten too early, for want of memory.
        pending_duplicates: repeats of events that are not finished: they are finished together with them.
        outcomes: what became of events: a repeat is told the same.
    """

    def __init__(
        self,
        least: int = REMEMBER_EVENTS,
        *,
        remember_s: float = REMEMBER_S,
        max_bytes: int = REMEMBER_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._least = least
        self._remember_s = remember_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._recent = _Generation(clock())
        #: All of them, the oldest first.
        self._generations = deque([self._recent])
        self._stride = max(1, min(STRIDE, least // GENERATIONS))
        #: How many events the youngest generation has when the clock is looked at.
        self._look_at = self._stride
        #: Whether any redelivered event is remembered.
        self._has_redelivered = False
        self.forgotten = 0
        self.duplicates = 0
        self.in_progress: list[Sequence[Delivery]] = [()]
        self.pending_duplicates: dict[int, list[tuple[Session, int]]] = {}
        self.outcomes = KeptOutcomes()

    def __repr__(self) -> str:
        return f"<DedupWindow of {self.count} events in {self.bytes} bytes, {self.forgotten} forgotten too early>"

    @property
    def count(self) -> int:
        """How many events are remembered."""
        return sum(generation.names.count for generation in self._generations)

    @property
    def bytes(self) -> int:
        """About how much memory their names take."""
        return sum(generation.bytes for generation in self._generations)

    def remember(self, session: Session, first: int, parcels: Sequence[Delivery]) -> None:
        """Remember events that are consumed now."""
        names = self._recent.names
        names.add(session, first, parcels)
        if names.count >= self._look_at:
            self._turn(self._clock())

    def _turn(self, now: float) -> None:
        """Begin a new generation when the youngest has its share of events and time, or of memory."""
        recent, share = self._recent, self._max_bytes // GENERATIONS
        due = now - recent.opened >= self._remember_s / (GENERATIONS - 1)
        if (due and recent.names.count >= self._least // GENERATIONS) or recent.bytes >= share:
            recent.closed = now
            self._recent = _Generation(now)
            self._generations.append(self._recent)
            self._forget(now, self._max_bytes - share)
        self._look_at = self._recent.names.count + self._stride

    def _forget(self, now: float, most_bytes: int) -> None:
        """Forget what is old, and what there is no memory for."""
        generations, count, size = self._generations, self.count, self.bytes
        while len(generations) > 1:
            oldest = generations[0]
            age_s = now - oldest.closed
            early = age_s < self._remember_s
            if size <= most_bytes and (early or count - oldest.names.count < self._least):
                break
            generations.popleft()
            count -= oldest.names.count
            size -= oldest.bytes
            if early:
                self._tell(oldest.names.count, age_s)
        self._has_redelivered = any(generation.redelivered.count for generation in generations)

    def _tell(self, count: int, age_s: float) -> None:
        if not self.forgotten:
            log.warning(
                "events are remembered for %.1f s in %d bytes, not for %g s: one that is sent again later than that "
                "is consumed twice. Give this actor more memory, or more replicas.",
                *(age_s, self._max_bytes, self._remember_s),
            )
        self.forgotten += count

    def admit(
        self, worker: int, session: Session, first: int, parcels: list[Delivery], redelivered: bool
    ) -> Iterable[tuple[int, list[Delivery]]]:
        """What a worker has to consume of an arrival: the events that are no repeats, in runs with consecutive
        numbers, as (first number, events). They are remembered. A repeat is finished now, or with the event that it
        repeats. The worker says `settle` when it has consumed all of them.

        `redelivered` tells whether any of the events is redelivered.
        """
        if redelivered or self._has_redelivered:
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
        self, session: Session, first: int, parcels: list[Delivery], taken: list[Delivery]
    ) -> Iterator[tuple[int, list[Delivery]]]:
        run: list[Delivery] = []
        number = first
        for number, parcel in enumerate(parcels, first):
            earlier = self._earlier(parcel)
            if earlier is not None and not self._is_retry(parcel, *earlier):
                self._repeat(session, number, parcel, *earlier)
                if run:
                    yield number - len(run), run
                    run = []
            else:
                if parcel.redelivered:
                    self._has_redelivered = True
                    self._recent.redelivered.add(session, number, (parcel,))
                self.remember(session, number, (parcel,))
                taken.append(parcel)
                run.append(parcel)
        if run:
            yield number - len(run) + 1, run

    def _earlier(self, parcel: Delivery) -> tuple[Session, int] | None:
        """Where the event arrived that this one repeats, the last time."""
        id_, trace = parcel.id, parcel.trace
        if not parcel.redelivered:
            for generation in self._generations:
                names = generation.redelivered
                if names.count and names.find(id_, trace) is not None:
                    break
            else:
                return None
        for generation in reversed(self._generations):
            found = generation.names.find(id_, trace)
            if found is not None:
                return found
        return None

    def _is_retry(self, parcel: Delivery, before: Session, number_before: int) -> bool:
        """Whether an event is tried again by its source, which has heard that it failed: then it comes unmarked."""
        return (
            parcel.redelivered is False
            and before.is_finished(number_before)
            and self.outcomes.has_failed((parcel.id, parcel.trace), (before, number_before))
        )

    def _repeat(self, session: Session, number: int, parcel: Delivery, before: Session, number_before: int) -> None:
        self.duplicates += 1
        for outcome in self.outcomes.of((parcel.id, parcel.trace), (before, number_before)):
            session.tell(number, outcome)
        if before.is_finished(number_before):
            session.finish(number)
        else:
            self.pending_duplicates.setdefault(parcel.id, []).append((session, number))

    def finish_duplicates(self, id_: int) -> None:
        """The event of that id is finished, and so are its repeats."""
        for session, number in self.pending_duplicates.pop(id_, ()):
            session.finish(number)
