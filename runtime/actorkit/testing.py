"""Run one actor in a test: no socket, no container, the rest of the graph played by the test.

    harness = Harness(PlaceOrder, currency="EUR")
    harness.put(Event({"total": 12}))
    [placed] = harness.taken()

Events go in and come out as they would over an edge: encoded, decoded, and seen as the class that `consume` wants.

A source whose events have positions is told what became of them by the test: `harness.settle()`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final, Generic, TypeVar

import gevent

from actorkit import params as parameters
from actorkit.actor import Actor, Held, Result
from actorkit.coroutines.methods import is_async, result_of
from actorkit.coroutines.thread import CoroutineThread
from actorkit.edge.positions import Positions
from actorkit.errors import (
    AnswerTimeout,
    BatchFailed,
    Draining,
    EventError,
    NotAnswered,
    NotFound,
    UnsendableData,
)
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.event.ids import derive_id
from actorkit.event.parcel import Waiter
from actorkit.event.position import Namer, Placed, Position, Settlement
from actorkit.graph import RESERVED
from actorkit.transport.keys import ClientKeys

A = TypeVar("A", bound=Actor)
E = TypeVar("E", bound=Event)

#: The topology that an actor under test is in, as the names of its events know it.
TOPOLOGY: Final = "test"

#: What plays the graph behind `request`: gets the event and the outbox, gives the event that comes back (None: none
#: does). An `EventError` that it raises comes back as the event's failure.
Answer = Callable[[Event, str | None], Event | None]


class Harness(AbstractContextManager["Harness[A]"], Generic[A]):
    """An actor that is set up and waits for `put`.

    `outboxes` are the connected ones; what an actor sends to none by name goes to all of them that its class does not
    declare. `answer` may be given when the actor asks (`Actor.request`). `close` tears the actor down.

    Raises:
        SettingsError: the parameters are not what the actor declares.
    """

    def __init__(
        self,
        cls: type[A],
        /,
        *,
        name: str = "actor",
        outboxes: Iterable[str] = ("out",),
        brokers: Iterable[str] = (),
        answer: Answer | None = None,
        **params: Any,
    ) -> None:
        self.topology = TOPOLOGY
        self.name = name
        self.instance = f"{name}-test"
        self.brokers = tuple(brokers)
        self.keys: ClientKeys | None = None
        self.answer = answer
        self.draining = False
        #: Events that the actor keeps with `hold` and has neither completed nor failed.
        self.held: list[Event] = []
        #: What the actor raised, in the order in which events came into `error`.
        self.raised: list[BaseException] = []
        self._declared = cls.OUTBOXES
        self._outboxes = dict.fromkeys((*outboxes, *RESERVED))
        self._sent: dict[str, list[Event]] = {outbox: [] for outbox in self._outboxes}
        self._namer = Namer(TOPOLOGY, name)
        self._positions = Positions()
        self._thread = CoroutineThread() if cls.has_coroutines() else None
        self.actor = cls(name, parameters.build(cls.Params, params), self)
        self._call(self.actor.setup)

    def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        """What a method gives; a coroutine runs in a native thread, as in an instance."""
        if self._thread is None or not is_async(method):
            return method(*args)
        return self._thread.run(lambda: result_of(method, *args))

    def __exit__(self, *exc: object) -> None:
        self.close()

    def drain(self) -> None:
        """What happens at SIGTERM: nothing new from outside, and no new request."""
        self.draining = True
        self._call(self.actor.drain)

    def end_input(self) -> None:
        """What happens in a drain when all upstreams have ended."""
        self._call(self.actor.end_input)

    def tick(self, timer: str) -> None:
        """Have a method called once that `every` marks. The test is the clock: here none is called by itself."""
        if timer not in type(self.actor).timers():
            raise TypeError(f'"{timer}" is no method that `every` marks')
        self._call(getattr(self.actor, timer))

    def close(self) -> None:
        """Give back what is unfinished, and tear the actor down."""
        if unfinished := self.unfinished:
            self._call(self.actor.give_back, unfinished)
        self._call(self.actor.teardown)
        if self._thread is not None:
            self._thread.close()

    @property
    def unfinished(self) -> list[Position]:
        """Positions of the events that were sent and are not settled, in the order in which they were sent."""
        return self._positions.unfinished

    def settle(self, *events: Event | Position, failure: Failure | BaseException | None = None) -> None:
        """Tell the actor that these events, or all that are unfinished, are done, or that they failed."""
        failed = Failure.of(failure, self.name) if isinstance(failure, BaseException) else failure
        positions = [one.position if isinstance(one, Event) else one for one in events] or self.unfinished
        settlements = [Settlement(position, failed) for position in positions if position is not None]
        self._call(self.actor.settle, settlements, self._positions.settle(settlements))

    @property
    def outboxes(self) -> Collection[str]:
        return self._outboxes.keys()

    @property
    def errors(self) -> list[Event]:
        """The events in the `error` outbox, each with its `failure`; they are taken out."""
        return self.taken("error")

    def put(self, *events: Event) -> None:
        """Have events consumed: one after the other, or all together by `consume_batch`. What it raises puts an event
        into `error`, as it does in an instance."""
        arrived = [over_the_wire(event, self.actor.input_class()) for event in events]
        if type(self.actor).consumes_batches():
            self._put(arrived, lambda some: self._call(self.actor.consume_batch, some))
        else:
            for event in arrived:
                self._put([event], lambda some: self._call(self.actor.consume, some[0]))

    def _put(self, events: list[Event], consume: Callable[[list[Event]], Result]) -> None:
        left = self.actor.params.retries
        while events:
            failures: dict[Event, BaseException] = {}
            some = [event for event in events if not self._is_wrong(event)]
            try:
                for result in _events(consume(some) if some else None):
                    self.send(result, None)
            except BatchFailed as exc:
                failures = dict(exc.failures)
            except Exception as exc:  # noqa: BLE001  # whatever it is, it goes to the error outbox
                failures = dict.fromkeys(some, exc)
            left -= 1
            events = [event for event, exc in failures.items() if left >= 0 and self.actor.params.may_get_better(exc)]
            for event, error in failures.items():
                if event not in events:
                    self._fail(event, error)

    def _is_wrong(self, event: Event) -> bool:
        """Whether an event is not what the actor wants; then it has failed."""
        try:
            if event.FORMAT is not None:
                if type(self.actor).consumes_batches():
                    _ = event.data
                event.ensure()
        except Exception as exc:  # noqa: BLE001  # as above
            self._fail(event, exc)
            return True
        return False

    def produce(self, count: int) -> list[Event]:
        """The first `count` events of a source, or fewer when it ends; they are sent too."""
        method: Callable[[], Any] = self.actor.produce
        if self._thread is not None and is_async(method):
            made: list[Event] = self._thread.run(lambda: _first(method(), count))
        else:
            made = list(itertools.islice(method(), count))
        for event in made:
            self.send(event, None)
        return made

    def taken(self, outbox: str | None = None) -> list[Event]:
        """The events that were sent to an outbox (None: to the first one) since the last look."""
        name = next(iter(self._outboxes)) if outbox is None else outbox
        found, self._sent[name] = self._sent[name], []
        return found

    def send(self, event: Event, outbox: str | None) -> None:
        """Part of `Runtime`: what the actor calls."""
        if event.position is not None:
            self._name(event, event.position)
        for name in self._destinations(outbox):
            self._sent[name].append(over_the_wire(event, Event))

    def _name(self, event: Event, position: Position) -> None:
        """Give an event the name that follows from its position, and its mark."""
        if not type(self.actor).settles():
            raise UnsendableData(f"the event is at {position}, and its actor has no `settle`; write one, be it empty")
        event._id, trace = self._namer.name(position)
        event._trace = Placed(position, trace, self._positions.begin(position, event.redelivered))

    def _destinations(self, outbox: str | None) -> list[str]:
        if outbox is None:
            return [name for name in self._outboxes if name not in RESERVED and name not in self._declared]
        if outbox in self._outboxes:
            return [outbox]
        if outbox in self._declared:
            return []
        raise NotFound(f'"{self.name}" has no outbox "{outbox}"')

    def request(
        self,
        event: Event,
        outbox: str | None,
        timeout_s: float,
        finish_expired: bool = False,
        finished: Callable[[], None] = lambda: None,
    ) -> Event:
        """Part of `Runtime`: what the actor calls. Here an event is finished when it is answered."""
        if self._thread is not None and self._thread.is_here:
            raise TypeError("request() would block all coroutines of the instance; write: await self.ask(...)")
        try:
            return self._request(event, outbox, timeout_s, finish_expired)
        finally:
            finished()

    async def ask(self, event: Event, outbox: str | None, timeout_s: float, finish_expired: bool) -> Event:
        """Part of `Runtime`: what a coroutine of the actor awaits."""
        return self._request(event, outbox, timeout_s, finish_expired)

    def _request(self, event: Event, outbox: str | None, timeout_s: float, finish_expired: bool) -> Event:
        if self.draining:
            raise Draining("this instance is about to stop")
        self.send(event, outbox)
        sent = over_the_wire(event, Event)
        if event.deadline is not None:
            timeout_s = min(timeout_s, event.deadline)
        if not finish_expired:
            deadline_ms = int((time.monotonic() + timeout_s) * 1000)
            sent.reply_to = {**(sent.reply_to or {}), self.name: Waiter(self.instance, b"", deadline_ms)}
        try:
            with gevent.Timeout(timeout_s, AnswerTimeout(f"no answer came within {timeout_s:g} s")):
                answer = self.answer(sent, outbox) if self.answer else None
        except AnswerTimeout:
            raise
        except EventError as exc:
            answer = sent.failed(Failure.of(exc, self.name))
        if answer is None:
            raise NotAnswered("the event was dealt with and nothing came back")
        return over_the_wire(answer, Event)

    def hold(self, event: Event) -> _Held:
        """Part of `Runtime`: what the actor calls."""
        self.held.append(event)
        return _Held(self, event)

    def _fail(self, event: Event, error: BaseException) -> None:
        self.raised.append(error)
        self.send(event.failed(Failure.of(error, self.name)), "error")


class _Held:
    """The handle that `hold` gives."""

    def __init__(self, harness: Harness[Any], event: Event) -> None:
        self._harness = harness
        self._event = event

    @property
    def _is_open(self) -> bool:
        return any(event is self._event for event in self._harness.held)

    def _finish(self) -> None:
        self._harness.held = [event for event in self._harness.held if event is not self._event]

    def complete(self, *events: Event, also: Iterable[Held] = (), anew: bool = False) -> None:
        if self._is_open:
            for number, event in enumerate(events):
                self._harness.send(_begun_anew(event, self._event, number) if anew else event, None)
            self._finish()
            for other in also:
                other.complete()

    def fail(self, error: BaseException) -> None:
        if self._is_open:
            self._finish()
            self._harness._fail(self._event, error)


def _begun_anew(event: Event, parent: Event, number: int) -> Event:
    """The event with a trace of its own, which follows from the parent."""
    sent = event.parcel()
    sent.id = sent.trace = derive_id(parent.number, 0, number)
    return Event.received(sent)


def over_the_wire(event: Event, wanted: type[E]) -> E:
    """The event as the next actor gets it: encoded, decoded, and of the class that it wants."""
    return wanted.received(event.parcel())


async def _first(source: AsyncIterator[Event], count: int) -> list[Event]:
    """The first events of an async generator."""
    made: list[Event] = []
    while len(made) < count:
        try:
            made.append(await anext(source))
        except StopAsyncIteration:
            break
    return made


def _events(result: Result) -> Iterable[Event]:
    if result is None:
        return ()
    return (result,) if isinstance(result, Event) else result
