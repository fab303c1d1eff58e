"""Takes deliveries to `Actor.consume` and what comes of them to the outboxes: the hot path."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from time import monotonic, perf_counter
from typing import Any, Final

import gevent
from gevent.event import Event as Flag

from actorkit.actor import Actor
from actorkit.edge import wire
from actorkit.edge.apart import DeliveryBatch
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.receiver import Receiver
from actorkit.errors import ActorkitError, DeliveryLimit, UnsendableData
from actorkit.event import Event
from actorkit.event.body import UNREAD
from actorkit.event.context import Failure
from actorkit.event.parcel import Suspicion
from actorkit.host.handlers import Expired, for_who_waits
from actorkit.host.intake import Intake
from actorkit.host.leave import Leave
from actorkit.host.outboxes import Outboxes
from actorkit.host.progress import BatchProgress, ConsumeContext, current
from actorkit.host.recent import Recent
from actorkit.observe.metrics import BUCKETS

#: The first of them: most events fall below it, and need no search.
FASTEST: Final = BUCKETS[0]

#: A worker that has work gives the others in the process their turn after this long, in seconds.
SLICE_S: Final = 0.001


class Consumer:
    """The workers of one instance: `concurrency` greenlets that share the deliveries. `on_crash` is called with what
    ends one of them: an instance that only seemed to be there would hold its peers' events for good. `answered`
    takes the answers to an actor that asks; a worker of their own does, where that consumes as well and may wait.
    `consume` is the actor's, as its parameters want it. `recent` is told of failures.

    Attributes:
        intake: what of an arrival is consumed, and who looks at it.
        buckets: consume calls by duration, one count for each of `BUCKETS` and one above them.
        seconds: time spent in consume, in all.
        failed: exceptions out of consume, by inbox.
        crashed: whether a worker has ended for what nobody handles.
    """

    def __init__(
        self,
        actor: Actor,
        receiver: Receiver,
        outboxes: Outboxes,
        consume: Callable[[Any], object],
        answered: Callable[[Event], object] | None,
        on_crash: Callable[[BaseException], None],
        recent: Recent | None = None,
    ) -> None:
        self._actor = actor
        self._wanted = type(actor).input_class()
        both = answered is not None and type(actor).consumes_itself()
        self._handle: Callable[[Any], object] = consume if both or answered is None else answered
        self._handle_in_time = for_who_waits(
            self._handle, self._wanted, actor.name, answered, receiver.withdrawn.is_late
        )
        self._receiver = receiver
        self.intake = Intake(receiver.dedup.admit)
        self._recent = recent or Recent()
        self._outboxes = outboxes
        self._on_crash = on_crash
        self.crashed = False
        #: Workers that have nothing to do, by what wakes them.
        self._idle: list[Flag] = []
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.failed: dict[str, int] = {}
        self.retried = 0
        concurrency = max(actor.params.concurrency, actor.params.threads)
        work = self._work if concurrency == 1 else self._work_concurrently
        workers, self._answers_there = [work] * concurrency, Flag()
        if both:
            receiver.answers = deque()
            workers.append(self._work_on_answers)
        self._concurrency = concurrency
        receiver.dedup.in_progress = [()] * len(workers)
        self._contexts = [ConsumeContext() for _ in workers]
        receiver.apart.alone = concurrency == 1
        self._leave = Leave(receiver.apart, outboxes.flush, self.arrived)
        self._stopping = False
        self._workers = [gevent.spawn(self._live, work, number) for number, work in enumerate(workers)]

    def _live(self, work: Callable[[int], None], worker: int) -> None:
        """A worker's life. Whatever ends it but `stop` ends the instance: GreenletExit too, which is no error to
        gevent, and SystemExit, which would end the process before the senders hear why."""
        try:
            work(worker)
        except BaseException as exc:
            if self._stopping:
                raise
            self._on_end(worker, exc)

    def _on_end(self, worker: int, error: BaseException) -> None:
        self.crashed = True
        self._actor.log.error("consume has ended its worker; the instance ends", exc_info=error)
        failure = Failure.of(error)
        told = failure.kind if failure.message == failure.kind else f"{failure.kind}: {failure.message}"
        if self._contexts[worker].is_several:
            self._receiver.vanish()
        else:
            self._receiver.end(told, *self._contexts[worker].session_number())
        self._outboxes.flush.schedule()
        self._on_crash(error)

    def arrived(self) -> None:
        """There may be deliveries: wake one worker. One that finds more than it takes wakes the next."""
        if self._receiver.answers:
            self._answers_there.set()
        if self._idle and self._receiver.deliveries:
            self._idle.pop().set()

    def drain(self) -> None:
        """This instance is about to stop; a batch is waited for no longer."""

    @property
    def resting(self) -> bool:
        """Whether all that came has been consumed."""
        busy = self._receiver.deliveries or self._receiver.answers or self._receiver.apart.count
        return not busy and all(context.event is None for context in self._contexts)

    def oldest_s(self, now: float) -> float:
        """How long the oldest event that is being consumed is: as far as is known, since the first look at it."""
        return max((context.age_s(now) for context in self._contexts), default=0.0)

    def stuck_s(self, now: float) -> float:
        """How long no worker has got on; 0 while one has nothing to do."""
        return min((context.age_s(now) for context in self._contexts[: self._concurrency]), default=0.0)

    def at_work(self) -> list[str]:
        """The traces of the first few events that are being consumed."""
        events = [context.event for context in self._contexts if context.event is not None]
        return [event.trace for event in events[:3]]

    def report(self) -> None:
        """Have what was consumed sent on and acknowledged, though a consume waits for something."""
        if self._outboxes.forwarding:
            self._outboxes.forward()
        now = monotonic()
        for context in self._contexts:
            context.report()
            context.age_s(now)

    def _rest(self, flag: Flag) -> None:
        """Wait until there are deliveries."""
        flag.clear()
        self._idle.append(flag)
        flag.wait()

    def _work(self, worker: int) -> None:
        """The only worker: takes whole deliveries, keeps their order."""
        deliveries, flag, context = self._receiver.deliveries, Flag(), self._contexts[worker]
        current.set(context)
        while True:
            if not deliveries:
                self._rest(flag)
            slice_began = perf_counter()
            while deliveries:
                self._consume(worker, context, deliveries.popleft())
                if perf_counter() - slice_began > SLICE_S:
                    gevent.sleep(0)
                    slice_began = perf_counter()

    def _work_concurrently(self, worker: int) -> None:
        """One of several workers: takes one event at a time, so that an arrival is shared."""
        deliveries, flag, context = self._receiver.deliveries, Flag(), self._contexts[worker]
        current.set(context)
        while True:
            if not deliveries:
                self._rest(flag)
            while deliveries:
                session, first, parcels, redelivered = batch = deliveries.popleft()
                if len(parcels) > 1:
                    singles = [(session, number, [parcel], redelivered) for number, parcel in enumerate(parcels, first)]
                    batch, *rest = singles
                    deliveries.extendleft(reversed(rest))
                self.arrived()
                self._consume(worker, context, batch)

    def _work_on_answers(self, worker: int) -> None:
        """The worker that takes answers to who waits for them."""
        context = self._contexts[worker]
        current.set(context)
        while True:
            self._answers_there.wait()
            self._answers_there.clear()
            while self._receiver.answers:
                self._consume(worker, context, self._receiver.answers.popleft())

    def _consume(self, worker: int, context: ConsumeContext, batch: DeliveryBatch) -> None:
        """Consume the events of one arrival, but for repeats."""
        session, first, parcels, redelivered = batch
        dedup, apart, repeats = self._receiver.dedup, redelivered and self._receiver.apart.is_turn(batch), len(parcels)
        if apart and not self._leave.comes_for(batch):
            return
        for number, run in self.intake.admit(worker, session, first, parcels, redelivered):
            limit = self._actor.params.max_deliveries
            if apart and isinstance(run[0].redelivered, Suspicion) and run[0].redelivered.count >= limit:
                self._give_up(session, number, run[0], run[0].redelivered, context)
            else:
                self._run(session, number, run, context)
                repeats -= len(run)
        context.event = context.run = None
        dedup.settle(worker)
        session.consume(repeats)  # A run has told its own.
        self._outboxes.flush.schedule()
        if apart:
            self._receiver.apart.end(batch)
            gevent.sleep(0)  # The sender hears that it is no more begun, before anything else is.

    def _give_up(
        self,
        session: ReceiveSession,
        number: int,
        parcel: wire.Delivery,
        suspicion: Suspicion,
        context: ConsumeContext,
    ) -> None:
        """Fail an event that has ended too many instances."""
        context.event = event = self._wanted(UNREAD, origin=parcel)
        told = f"{suspicion.count} instances were lost over the event: {'; '.join(suspicion.ways)}"
        self._actor.log.error("event %s is given up: %s", event.trace, told)
        self.refuse(session, event, DeliveryLimit(told, deliveries=suspicion.count, ways=suspicion.ways))
        opened = int(parcel.pending > 0)
        if opened:
            parcel.number, parcel.session = number, session
            if parcel.early is not None:
                parcel.tell_early()
        session.finish_run(number, [parcel], opened)

    def _run(self, session: ReceiveSession, first: int, parcels: list[wire.Delivery], context: ConsumeContext) -> None:
        """Consume events with consecutive numbers. This is the hot path: what is done for each is written out here."""
        outboxes, wanted, handle, emit = self._outboxes, self._wanted, self._handle, self._outboxes.emit_result
        can_forward, forwarding, copies = outboxes.can_forward, outboxes.forwarding.append, len(outboxes.targets(None))
        buckets, slow, fastest, strict = self.buckets, 0, FASTEST, wanted.FORMAT is not None
        if session.timed:
            handle, strict = self._handle_in_time, False
        context.run = run = BatchProgress(session, first, parcels)
        outboxes.flush.schedule()  # If consume waits for something, what was done before leaves meanwhile.
        begun = slice_began = perf_counter()
        for number, parcel in enumerate(parcels, first):
            context.event = event = wanted(UNREAD, origin=parcel)
            try:
                if strict:
                    event.ensure()
                result = handle(event)
                if result is event and can_forward and event._data is UNREAD and event._context is None:
                    parcel.pending += copies
                    forwarding(parcel)
                elif result is not None:
                    emit(result, event)
            except Expired:
                outboxes.expire(parcel)
            except Exception as exc:  # noqa: BLE001  # whatever a user's code raises goes to the error outbox
                self._fail(session, event, exc)
            if parcel.pending:
                parcel.number, parcel.session = number, session
                run.opened += 1
                if parcel.early is not None:
                    parcel.tell_early()
            ended = perf_counter()
            if ended - begun >= fastest:
                slow += 1
                buckets[bisect_left(BUCKETS, ended - begun)] += 1
                if ended - slice_began > SLICE_S:
                    self.seconds += ended - slice_began
                    if outboxes.forwarding:
                        outboxes.forward()
                    run.report(number - first + 1)
                    outboxes.flush.schedule()
                    gevent.sleep(0)
                    ended = slice_began = perf_counter()
            begun = ended
        if outboxes.forwarding:
            outboxes.forward()
        run.report(len(parcels))
        self.seconds += begun - slice_began
        buckets[0] += len(parcels) - slow

    def _fail(self, session: ReceiveSession, event: Event, error: Exception) -> None:
        """Try again as often as the parameters say, while that can help; then send the event where errors go."""
        params, attempt = self._actor.params, 0
        while attempt < params.retries and params.may_get_better(error):
            gevent.sleep(params.backoff_s * 2**attempt)
            self.retried += 1
            attempt += 1
            try:
                result = self._handle(event)
                if result is not None:
                    self._outboxes.emit_result(result, event)
            except Exception as exc:  # noqa: BLE001  # as above
                error = exc
            else:
                self._recent.note_retry(session, event, attempt + 1)
                return
        self.refuse(session, event, error, attempt + 1)

    def refuse(self, session: ReceiveSession | None, event: Event, error: BaseException, attempts: int = 1) -> None:
        """Count, log and send away an event that failed, be it in its consume or while it was held."""
        label, inbox = (session.label, session.inbox) if session is not None else ("", "")
        self.failed[label] = self.failed.get(label, 0) + 1
        expected = isinstance(error, ActorkitError) and not isinstance(error, UnsendableData)
        failure = Failure.of(error, self._actor.name)
        named = current.set(ConsumeContext(event))  # The log names the event, also where it was held.
        self._actor.log.log(
            logging.INFO if expected else logging.ERROR,
            "consume failed: %s: %s",
            failure.kind,
            failure.message,
            exc_info=None if expected else error,
        )
        current.reset(named)
        self._recent.note_failure(session, event, failure, attempts)
        self._outboxes.emit_failure(event, failure, inbox)

    def stop(self) -> None:
        """End the workers; what they were doing stays unacknowledged."""
        self._stopping = True
        gevent.killall(self._workers, block=True, timeout=1)
