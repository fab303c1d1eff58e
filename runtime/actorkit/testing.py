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
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final, Generic, TypeVar

import gevent

from actorkit import params as parameters
from actorkit.actor import Actor, Result
from actorkit.edge.positions import Positions
from actorkit.errors import AnswerTimeout, Draining, EventError, NotAnswered, NotFound, UnsendableData
from actorkit.event import Event
from actorkit.event.context import Failure
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
        self.name = name
        self.instance = f"{name}-test"
        self.brokers = tuple(brokers)
        self.keys: ClientKeys | None = None
        self.answer = answer
        self.draining = False
        #: Events that the actor keeps with `hold` and has neither completed nor failed.
        self.held: list[Event] = []
        self._declared = cls.OUTBOXES
        self._outboxes = dict.fromkeys((*outboxes, *RESERVED))
        self._sent: dict[str, list[Event]] = {outbox: [] for outbox in self._outboxes}
        self._namer = Namer(TOPOLOGY, name)
        self._positions = Positions()
        self.actor = cls(name, parameters.build(cls.Params, params), self)
        self.actor.setup()

    def __exit__(self, *exc: object) -> None:
        self.close()

    def drain(self) -> None:
        """What happens at SIGTERM: nothing new from outside, and no new request."""
        self.draining = True
        self.actor.drain()

    def close(self) -> None:
        """Give back what is unfinished, and tear the actor down."""
        if unfinished := self.unfinished:
            self.actor.give_back(unfinished)
        self.actor.teardown()

    @property
    def unfinished(self) -> list[Position]:
        """Positions of the events that were sent and are not settled, in the order in which they were sent."""
        return self._positions.unfinished

    def settle(self, *events: Event | Position, failure: Failure | BaseException | None = None) -> None:
        """Tell the actor that these events, or all that are unfinished, are done, or that they failed."""
        failed = Failure.of(failure, self.name) if isinstance(failure, BaseException) else failure
        positions = [one.position if isinstance(one, Event) else one for one in events] or self.unfinished
        settlements = [Settlement(position, failed) for position in positions if position is not None]
        self.actor.settle(settlements, self._positions.settle(settlements))

    @property
    def outboxes(self) -> Collection[str]:
        return self._outboxes.keys()

    @property
    def errors(self) -> list[Event]:
        """The events in the `error` outbox, each with its `failure`; they are taken out."""
        return self.taken("error")

    def put(self, event: Event) -> None:
        """Have one event consumed. What `consume` raises puts the event into `error`, as it does in an instance."""
        arrived = over_the_wire(event, self.actor.input_class())
        left = self.actor.params.retries
        while True:
            try:
                if arrived.FORMAT is not None:
                    arrived.ensure()
                for result in _events(self.actor.consume(arrived)):
                    self.send(result, None)
            except Exception as exc:  # noqa: BLE001  # whatever it is, it goes to the error outbox
                left -= 1
                if left < 0 or not self.actor.params.may_get_better(exc):
                    self._fail(arrived, exc)
                    return
            else:
                return

    def produce(self, count: int) -> list[Event]:
        """The first `count` events of a source, or fewer when it ends; they are sent too."""
        made = list(itertools.islice(self.actor.produce(), count))
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
        try:
            return self._request(event, outbox, timeout_s, finish_expired)
        finally:
            finished()

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
        self.send(event.failed(Failure.of(error, self.name)), "error")


class _Held:
    """The handle that `hold` gives."""

    def __init__(self, harness: Harness[Any], event: Event) -> None:
        self._harness = harness
        self._event = event

    def _finish(self) -> bool:
        if not any(event is self._event for event in self._harness.held):
            return False
        self._harness.held = [event for event in self._harness.held if event is not self._event]
        return True

    def complete(self, *events: Event) -> None:
        if self._finish():
            for event in events:
                self._harness.send(event, None)

    def fail(self, error: BaseException) -> None:
        if self._finish():
            self._harness._fail(self._event, error)


def over_the_wire(event: Event, wanted: type[E]) -> E:
    """The event as the next actor gets it: encoded, decoded, and of the class that it wants."""
    return wanted.received(event.parcel())


def _events(result: Result) -> Iterable[Event]:
    if result is None:
        return ()
    return (result,) if isinstance(result, Event) else result
