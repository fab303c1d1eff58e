"""Takes deliveries to `Actor.consume_batch`, many in one call."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from time import monotonic, perf_counter

import gevent
from gevent.event import Event as Flag

from actorkit.edge import wire
from actorkit.edge.apart import DeliveryBatch
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.replies import is_answer
from actorkit.errors import BatchFailed, UnsendableData
from actorkit.event import Event
from actorkit.event.body import UNREAD
from actorkit.host.consumer import SLICE_S, Consumer
from actorkit.host.outboxes import CONSUMED, no_event
from actorkit.host.progress import BatchContext, BatchProgress, ConsumeContext, current
from actorkit.observe.metrics import BUCKETS

#: Events of one session with consecutive numbers.
Run = tuple[ReceiveSession, int, list[wire.Delivery]]

Member = tuple[Event, ReceiveSession]


class BatchConsumer(Consumer):
    """The workers of an instance that consumes in batches. Each gathers a batch of its own; with `concurrency` above 1
    several are under way."""

    _gathering = 0

    def _work(self, worker: int) -> None:
        deliveries, flag, idle = self._receiver.deliveries, Flag(), self._contexts[worker]
        while True:
            current.set(idle)
            self._contexts[worker] = idle
            if not deliveries:
                self._rest(flag)
            slice_began = perf_counter()
            while deliveries:
                if deliveries[0][3] and self._receiver.apart.is_turn(deliveries[0]):
                    self._consume(worker, idle, deliveries.popleft())
                else:
                    self._consume_together(worker, self._gather(flag))
                current.set(idle)
                self._contexts[worker] = idle
                if perf_counter() - slice_began > SLICE_S:
                    gevent.sleep(0)
                    slice_began = perf_counter()

    _work_concurrently = _work

    def _gather(self, flag: Flag) -> list[DeliveryBatch]:
        """What one call is to get: as much as there is and fits, after a wait if the parameters say so. A suspect ends
        it, for it is consumed by itself."""
        params, deliveries, apart = self._actor.params, self._receiver.deliveries, self._receiver.apart
        gathered: list[DeliveryBatch] = []
        room: int = params.batch_size
        until = monotonic() + params.batch_wait_s
        self._gathering += 1
        try:
            while room:
                if not deliveries:
                    left = until - monotonic()
                    if left <= 0 or self._receiver.draining or not self._wait_for_more(flag, left):
                        break
                    continue
                if deliveries[0][3] and apart.is_turn(deliveries[0]):
                    break
                session, first, parcels, redelivered = deliveries.popleft()
                if len(parcels) > room:
                    deliveries.appendleft((session, first + room, parcels[room:], redelivered))
                    parcels = parcels[:room]
                gathered.append((session, first, parcels, redelivered))
                room -= len(parcels)
        finally:
            self._gathering -= 1
        self.arrived()  # What is left is another worker's.
        return gathered

    def _wait_for_more(self, flag: Flag, left_s: float) -> bool:
        """Wait for an arrival; whether there was any in time."""
        flag.clear()
        self._idle.append(flag)
        if flag.wait(left_s):
            return True
        if flag in self._idle:
            self._idle.remove(flag)
        return False

    def drain(self) -> None:
        """Wait for no more events: whoever gathers goes on with what there is."""
        while self._idle:
            self._idle.pop().set()

    @property
    def resting(self) -> bool:
        return not self._gathering and super().resting

    def _consume_together(self, worker: int, gathered: Iterable[DeliveryBatch]) -> None:
        """Consume what was gathered, but for repeats, in one call."""
        dedup = self._receiver.dedup
        runs: list[Run] = []
        taken: list[wire.Delivery] = []
        counts: list[tuple[ReceiveSession, int]] = []
        for session, first, parcels, redelivered in gathered:
            counts.append((session, len(parcels)))
            for number, run in self.intake.admit(worker, session, first, parcels, redelivered):
                runs.append((session, number, run))
                taken += run
        dedup.in_progress[worker] = taken
        self._consume_runs(worker, runs)
        dedup.settle(worker)
        for session, count in counts:
            session.consume(count)
            session.touch()
        self._outboxes.flush.schedule()

    def _run(self, session: ReceiveSession, first: int, parcels: list[wire.Delivery], context: ConsumeContext) -> None:
        if self._receiver.answers is not None and is_answer(parcels[0], self._actor.name):
            super()._run(session, first, parcels, context)
        else:
            self._consume_runs(self._contexts.index(context), [(session, first, parcels)])

    def _consume_runs(self, worker: int, runs: Sequence[Run]) -> None:
        members = list(self._members(runs))
        if members:
            run = BatchProgress(*runs[0]) if len(members) == len(runs) == len(runs[0][2]) == 1 else None
            self._contexts[worker] = context = BatchContext(members, run)
            current.set(context)
            self._attempt([event for event, _ in members], context)
        for session, first, parcels in runs:
            opened = 0
            for number, parcel in enumerate(parcels, first):
                if parcel.pending:
                    parcel.number, parcel.session = number, session
                    opened += 1
                    if parcel.early is not None:
                        parcel.tell_early()
            session.finish_run(first, parcels, opened)

    def _members(self, runs: Iterable[Run]) -> Iterable[Member]:
        """The events of a batch, without those that are not what is wanted, which fail, and those that are late."""
        now_ms, strict = int(monotonic() * 1000), self._wanted.FORMAT is not None
        for session, _, parcels in runs:
            for parcel in parcels:
                event = self._wanted(UNREAD, origin=parcel)
                if session.timed and self._receiver.withdrawn.is_late(parcel, now_ms):
                    self._outboxes.expire(parcel)
                    continue
                try:
                    if strict:
                        _ = event.data  # Read now: one that cannot be read must not have the others fail.
                except Exception as exc:  # noqa: BLE001  # it goes to the error outbox
                    self.refuse(session, event, exc)
                else:
                    yield event, session

    def _attempt(self, events: list[Event], context: BatchContext) -> None:
        """Call `consume_batch`; again for events that failed, while that can help."""
        params = self._actor.params
        for attempt in range(params.retries + 1):
            failures = self._call(events, context)
            if not failures:
                return
            events = []
            for event, error in failures:
                if attempt < params.retries and params.may_get_better(error):
                    events.append(event)
                else:
                    self.refuse(context.session_of(event), event, error, attempt + 1)
            if not events:
                return
            self.retried += len(events)
            gevent.sleep(params.backoff_s * 2**attempt)

    def _call(self, events: list[Event], context: BatchContext) -> list[tuple[Event, BaseException]]:
        """One call; the events that failed in it, each with its error."""
        begun = perf_counter()
        try:
            result = self._handle(events)
        except BatchFailed as exc:
            named = [(context.member(event), error) for event, error in exc.failures.items()]
            return [(event, error) for event, error in named if event is not None]
        except Exception as exc:  # noqa: BLE001  # whatever a user's code raises goes to the error outbox
            return [(event, exc) for event in events]
        finally:
            took = perf_counter() - begun
            self.seconds += took
            self.buckets[bisect_left(BUCKETS, took)] += 1
        return [] if result is None else self._emit(events, result, context)

    def _emit(self, events: list[Event], result: object, context: BatchContext) -> list[tuple[Event, BaseException]]:
        """Send what a call gave; the events of which something cannot be sent."""
        failures: list[tuple[Event, BaseException]] = []
        made = [result] if isinstance(result, Event) else result
        if not isinstance(made, Iterable) or isinstance(made, str | bytes | dict):
            error = UnsendableData(no_event("consume_batch returned", result, CONSUMED))
            return [(event, error) for event in events]
        default = self._outboxes.targets(None)
        for one in made:
            if not isinstance(one, Event):
                error = UnsendableData(no_event("consume_batch gave", one, CONSUMED))
                return [(event, error) for event in events]
            try:
                parent = context.parent_of(one)
            except UnsendableData as exc:
                return [(event, exc) for event in events]
            try:
                self._outboxes.emit(one, default, parent)
            except Exception as exc:  # noqa: BLE001  # as above
                failures.append((parent, exc))
        return failures
