"""Takes deliveries to `Actor.consume` and what comes of them to the outboxes: the hot path."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from time import monotonic, perf_counter
from typing import Final, cast

import gevent
from gevent.event import Event as Flag
from gevent.threadpool import ThreadPool

from actorkit.actor import Actor
from actorkit.edge import wire
from actorkit.edge.expiry import is_late
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.receiver import DeliveryBatch, Receiver
from actorkit.errors import ActorkitError, UnsendableData
from actorkit.event import Event
from actorkit.event.body import UNREAD
from actorkit.event.context import Failure
from actorkit.host.outboxes import Outboxes
from actorkit.observe.metrics import BUCKETS

#: The first of them: most events fall below it, and need no search.
FASTEST: Final = BUCKETS[0]

#: A worker that has work gives the others in the process their turn after this long, in seconds.
SLICE_S: Final = 0.001


class Expired(Exception):
    """Raised in place of a consume that nobody waits for any more."""


class BatchProgress:
    """Events of one session with consecutive numbers, on their way through a worker; `opened` counts those that were
    consumed and wait for something."""

    __slots__ = ("_first", "_reported", "_session", "opened", "parcels")

    def __init__(self, session: ReceiveSession, first: int, parcels: list[wire.Delivery]) -> None:
        self.parcels = parcels
        self._session = session
        self._first = first
        self._reported = 0
        self.opened = 0

    def report(self, count: int) -> None:
        """Tell the session that the first `count` of them are consumed."""
        if count > self._reported:
            some = self.parcels[self._reported : count]
            self._session.finish_run(self._first + self._reported, some, self.opened)
            self._reported, self.opened = count, 0


class ConsumeContext:
    """What a worker is consuming: one event of a run; nothing between two deliveries."""

    __slots__ = ("event", "run")

    def __init__(self, event: Event | None = None) -> None:
        self.event = event
        self.run: BatchProgress | None = None

    def report(self) -> None:
        """Tell the session what stands before this event."""
        if self.run is not None and self.event is not None:
            self.run.report(self.run.parcels.index(cast(wire.Delivery, self.event.origin)))


#: The place of the running greenlet or thread. Greenlets that an actor spawns have none.
current: ContextVar[ConsumeContext] = ContextVar("current", default=ConsumeContext())  # noqa: B039

#: In a native thread: what the event that it consumes has sent so far, as (event, outbox).
outgoing: ContextVar[list[tuple[Event, str | None]] | None] = ContextVar("outgoing", default=None)


def in_threads(handle: Callable[[Event], object], outboxes: Outboxes, threads: int) -> Callable[[Event], object]:
    """`handle` moved to native threads. What it sends is sent by the loop afterwards: only that may touch sockets."""
    pool = ThreadPool(threads)

    def call(event: Event) -> tuple[object, list[tuple[Event, str | None]]]:
        current.set(ConsumeContext(event))
        sent: list[tuple[Event, str | None]] = []
        outgoing.set(sent)
        result = handle(event)
        # A generator runs here, not in the loop; what is no event is complained about there.
        return (list(result) if isinstance(result, Iterator) else result), sent

    def apply(event: Event) -> object:
        result, sent = pool.apply(call, (event,))
        for one, outbox in sent:
            outboxes.emit(one, outboxes.targets(outbox), event)
        return result

    return apply


class Consumer:
    """The workers of one instance: `concurrency` greenlets that share the deliveries. `on_crash` is called with what
    ends one of them: an instance that only seemed to be there would hold its peers' events for good.

    Attributes:
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
        handle: Callable[[Event], object],
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._actor = actor
        self._handle = in_threads(handle, outboxes, actor.params.threads) if actor.params.threads else handle
        self._receiver = receiver
        self._outboxes = outboxes
        self._on_crash = on_crash
        self.crashed = False
        self._wanted = type(actor).input_class()
        #: An answer is taken whenever it comes; it is counted when it is late.
        self._takes_answers = type(actor).ANSWERS
        #: Workers that have nothing to do, by what wakes them.
        self._idle: list[Flag] = []
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.failed: dict[str, int] = {}
        self.retried = 0
        concurrency = max(actor.params.concurrency, actor.params.threads)
        work = self._work if concurrency == 1 else self._work_concurrently
        receiver.dedup.in_progress = [()] * concurrency
        self._contexts = [ConsumeContext() for _ in range(concurrency)]
        self._workers = [gevent.spawn(work, number) for number in range(concurrency)]
        for worker in self._workers:
            worker.link_exception(self._ended)

    def _ended(self, worker: gevent.Greenlet[..., None]) -> None:
        self.crashed = True
        self._actor.log.error("consume has ended its worker; the instance ends", exc_info=worker.exception)
        self._on_crash(worker.exception)

    def arrived(self) -> None:
        """There may be deliveries: wake one worker. One that finds more than it takes wakes the next."""
        if self._idle and self._receiver.deliveries:
            self._idle.pop().set()

    def report(self) -> None:
        """Have what was consumed sent on and acknowledged, though a consume waits for something."""
        if self._outboxes.forwarding:
            self._outboxes.forward()
        for context in self._contexts:
            context.report()

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

    def _consume(self, worker: int, context: ConsumeContext, batch: DeliveryBatch) -> None:
        """Consume the events of one arrival, but for repeats."""
        session, first, parcels, redelivered = batch
        dedup = self._receiver.dedup
        for number, run in dedup.admit(worker, session, first, parcels, redelivered):
            self._run(session, number, run, context)
        context.event = context.run = None
        dedup.settle(worker)
        session.consume(len(parcels))
        session.touch()
        self._outboxes.flush.schedule()

    def _run(self, session: ReceiveSession, first: int, parcels: list[wire.Delivery], context: ConsumeContext) -> None:
        """Consume events with consecutive numbers. This is the hot path: what is done for each is written out here."""
        outboxes, wanted, handle, emit = self._outboxes, self._wanted, self._handle, self._outboxes.emit_result
        can_forward, forwarding, copies = outboxes.can_forward, outboxes.forwarding.append, len(outboxes.targets(None))
        buckets, fast, strict = self.buckets, 0, wanted.FORMAT is not None
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
            spent = ended - begun
            begun = ended
            if spent < FASTEST:
                fast += 1
            else:
                buckets[bisect_left(BUCKETS, spent)] += 1
                if ended - slice_began > SLICE_S:
                    self.seconds += ended - slice_began
                    if outboxes.forwarding:
                        outboxes.forward()
                    run.report(number - first + 1)
                    outboxes.flush.schedule()
                    gevent.sleep(0)
                    begun = slice_began = perf_counter()
        if outboxes.forwarding:
            outboxes.forward()
        run.report(len(parcels))
        self.seconds += begun - slice_began
        buckets[0] += fast

    def _handle_in_time(self, event: Event) -> object:
        """Handle an event that somebody may wait for, unless nobody does any more.

        Raises:
            Expired: nobody does.
        """
        if not self._takes_answers and is_late(cast(wire.Delivery, event.origin), int(monotonic() * 1000)):
            raise Expired
        if self._wanted.FORMAT is not None:
            event.ensure()
        return self._handle(event)

    def _fail(self, session: ReceiveSession, event: Event, error: Exception) -> None:
        """Try again as often as the parameters say, while that can help; then send the event where errors go."""
        params = self._actor.params
        for attempt in range(params.retries):
            if not params.may_get_better(error):
                break
            gevent.sleep(params.backoff_s * 2**attempt)
            self.retried += 1
            try:
                result = self._handle(event)
                if result is not None:
                    self._outboxes.emit_result(result, event)
            except Exception as exc:  # noqa: BLE001  # as above
                error = exc
            else:
                return
        self.failed[session.label] = self.failed.get(session.label, 0) + 1
        expected = isinstance(error, ActorkitError) and not isinstance(error, UnsendableData)
        failure = Failure.of(error, self._actor.name)
        self._actor.log.log(
            logging.INFO if expected else logging.ERROR,
            "consume failed: %s: %s",
            failure.kind,
            failure.message,
            exc_info=None if expected else error,
        )
        self._outboxes.emit_failure(event, failure, session.inbox)

    def stop(self) -> None:
        """End the workers; what they were doing stays unacknowledged."""
        gevent.killall(self._workers, block=True, timeout=1)
