"""Takes arrivals to `Actor.consume` and what comes of them to the outboxes: the hot path."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from time import perf_counter
from typing import Final, cast

import gevent
from gevent.event import Event as Flag
from gevent.threadpool import ThreadPool

from actorkit import wire
from actorkit.actor import Actor
from actorkit.body import UNREAD
from actorkit.context import Failure
from actorkit.errors import ActorkitError
from actorkit.event import Event
from actorkit.exits import Exits
from actorkit.metrics import BUCKETS
from actorkit.receiver import Arrival, Receiver, Session

#: The first of them: most events fall below it, and need no search.
FASTEST: Final = BUCKETS[0]

#: A worker that has work gives the others in the process their turn after this long, in seconds.
TURN_S: Final = 0.001


class Run:
    """Events of one session with consecutive numbers, on their way through a worker; `opened` counts those that were
    consumed and wait for something."""

    __slots__ = ("_first", "_reported", "_session", "opened", "parcels")

    def __init__(self, session: Session, first: int, parcels: list[wire.Arrived]) -> None:
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


class Place:
    """What a worker is consuming: one event of a run; nothing between two arrivals."""

    __slots__ = ("event", "run")

    def __init__(self, event: Event | None = None) -> None:
        self.event = event
        self.run: Run | None = None

    def report(self) -> None:
        """Tell the session what stands before this event."""
        if self.run is not None and self.event is not None:
            self.run.report(self.run.parcels.index(cast(wire.Arrived, self.event.origin)))


#: The place of the running greenlet or thread. Greenlets that an actor spawns have none.
current: ContextVar[Place] = ContextVar("current", default=Place())  # noqa: B039

#: In a native thread: what the event that it consumes has sent so far, as (event, outbox).
outgoing: ContextVar[list[tuple[Event, str | None]] | None] = ContextVar("outgoing", default=None)


def in_threads(handle: Callable[[Event], object], exits: Exits, threads: int) -> Callable[[Event], object]:
    """`handle` moved to native threads. What it sends is sent by the loop afterwards: only that may touch sockets."""
    pool = ThreadPool(threads)

    def call(event: Event) -> tuple[object, list[tuple[Event, str | None]]]:
        current.set(Place(event))
        sent: list[tuple[Event, str | None]] = []
        outgoing.set(sent)
        result = handle(event)
        return (result if result is None or isinstance(result, Event) else list(cast(Iterable[Event], result))), sent

    def apply(event: Event) -> object:
        result, sent = pool.apply(call, (event,))
        for one, outbox in sent:
            exits.emit(one, exits.targets(outbox), event)
        return result

    return apply


class Consumer:
    """The workers of one instance: `concurrency` greenlets that share the arrivals. `on_crash` is called with what ends
    one of them: an instance that only seemed to be there would hold its peers' events for good.

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
        exits: Exits,
        handle: Callable[[Event], object],
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._actor = actor
        self._handle = in_threads(handle, exits, actor.params.threads) if actor.params.threads else handle
        self._receiver = receiver
        self._exits = exits
        self._on_crash = on_crash
        self.crashed = False
        self._wanted = type(actor).input_class()
        #: Workers that have nothing to do, by what wakes them.
        self._idle: list[Flag] = []
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.failed: dict[str, int] = {}
        self.retried = 0
        concurrency = max(actor.params.concurrency, actor.params.threads)
        work = self._work if concurrency == 1 else self._work_beside
        receiver.known.consuming = [()] * concurrency
        self._places = [Place() for _ in range(concurrency)]
        self._workers = [gevent.spawn(work, number) for number in range(concurrency)]
        for worker in self._workers:
            worker.link_exception(self._ended)

    def _ended(self, worker: gevent.Greenlet[..., None]) -> None:
        self.crashed = True
        self._actor.log.error("consume has ended its worker; the instance ends", exc_info=worker.exception)
        self._on_crash(worker.exception)

    def arrived(self) -> None:
        """There may be arrivals: wake one worker. One that finds more than it takes wakes the next."""
        if self._idle and self._receiver.arrivals:
            self._idle.pop().set()

    def report(self) -> None:
        """Have what was consumed sent on and acknowledged, though a consume waits for something."""
        if self._exits.passing:
            self._exits.pass_on()
        for place in self._places:
            place.report()

    def _rest(self, flag: Flag) -> None:
        """Wait until there are arrivals."""
        flag.clear()
        self._idle.append(flag)
        flag.wait()

    def _work(self, worker: int) -> None:
        """The only worker: takes whole arrivals, keeps their order."""
        arrivals, flag, place = self._receiver.arrivals, Flag(), self._places[worker]
        current.set(place)
        while True:
            if not arrivals:
                self._rest(flag)
            turn = perf_counter()
            while arrivals:
                self._consume(worker, place, arrivals.popleft())
                if perf_counter() - turn > TURN_S:
                    gevent.sleep(0)
                    turn = perf_counter()

    def _work_beside(self, worker: int) -> None:
        """One of several workers: takes one event at a time, so that an arrival is shared."""
        arrivals, flag, place = self._receiver.arrivals, Flag(), self._places[worker]
        current.set(place)
        while True:
            if not arrivals:
                self._rest(flag)
            while arrivals:
                session, first, parcels, marked = arrival = arrivals.popleft()
                if len(parcels) > 1:
                    singles = [(session, number, [parcel], marked) for number, parcel in enumerate(parcels, first)]
                    arrival, *rest = singles
                    arrivals.extendleft(reversed(rest))
                self.arrived()
                self._consume(worker, place, arrival)

    def _consume(self, worker: int, place: Place, arrival: Arrival) -> None:
        """Consume the events of one arrival, but for repeats."""
        session, first, parcels, marked = arrival
        known = self._receiver.known
        for number, run in known.take(worker, session, first, parcels, marked):
            self._run(session, number, run, place)
        place.event = place.run = None
        known.release(worker)
        session.consume(len(parcels))
        session.touch()
        self._exits.turn.schedule()

    def _run(self, session: Session, first: int, parcels: list[wire.Arrived], place: Place) -> None:
        """Consume events with consecutive numbers. This is the hot path: what is done for each is written out here."""
        exits, wanted, handle, emit = self._exits, self._wanted, self._handle, self._exits.emit_result
        plain, passing, copies = exits.plain, exits.passing.append, len(exits.targets(None))
        buckets, fast, strict = self.buckets, 0, wanted.FORMAT is not None
        place.run = run = Run(session, first, parcels)
        exits.turn.schedule()  # If consume waits for something, what was done before leaves meanwhile.
        begun = turn = perf_counter()
        for number, parcel in enumerate(parcels, first):
            place.event = event = wanted(UNREAD, origin=parcel)
            try:
                if strict:
                    event.ensure()
                result = handle(event)
                if result is event and plain and event._data is UNREAD and event._context is None:
                    parcel.pending += copies
                    passing(parcel)
                elif result is not None:
                    emit(result, event)
            except Exception as exc:  # noqa: BLE001  # whatever a user's code raises goes to the error outbox
                self._fail(session, event, exc)
            if parcel.pending:
                parcel.number, parcel.session = number, session
                run.opened += 1
            ended = perf_counter()
            spent = ended - begun
            begun = ended
            if spent < FASTEST:
                fast += 1
            else:
                buckets[bisect_left(BUCKETS, spent)] += 1
                if ended - turn > TURN_S:
                    self.seconds += ended - turn
                    if exits.passing:
                        exits.pass_on()
                    run.report(number - first + 1)
                    exits.turn.schedule()
                    gevent.sleep(0)
                    begun = turn = perf_counter()
        if exits.passing:
            exits.pass_on()
        run.report(len(parcels))
        self.seconds += begun - turn
        buckets[0] += fast

    def _fail(self, session: Session, event: Event, error: Exception) -> None:
        """Try again as often as the parameters say, then send the event where errors go."""
        params = self._actor.params
        for attempt in range(params.retries):
            gevent.sleep(params.backoff_s * 2**attempt)
            self.retried += 1
            try:
                result = self._handle(event)
                if result is not None:
                    self._exits.emit_result(result, event)
            except Exception as exc:  # noqa: BLE001  # as above
                error = exc
            else:
                return
        self.failed[session.inbox] = self.failed.get(session.inbox, 0) + 1
        expected, failure = isinstance(error, ActorkitError), Failure.of(error, self._actor.name)
        self._actor.log.log(
            logging.INFO if expected else logging.ERROR,
            "consume failed: %s: %s",
            failure.kind,
            failure.message,
            exc_info=None if expected else error,
        )
        self._exits.emit_failure(event, failure, session.inbox)

    def stop(self) -> None:
        """End the workers; what they were doing stays unacknowledged."""
        gevent.killall(self._workers, block=True, timeout=1)
