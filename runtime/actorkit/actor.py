"""What users write: a class that receives an event and returns events."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Protocol, TypeVar, get_args, get_type_hints

from msgspec import Meta

from actorkit import params
from actorkit.coroutines.methods import is_async
from actorkit.event import Event
from actorkit.event.position import Position, Settlement
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit.transport.keys import ClientKeys

#: What `consume` may give back: an event, several, or None when there is nothing to send.
Result = Event | Iterable[Event] | None

#: The methods that may be coroutines, besides those that `every` marks.
ASYNC: Final = (
    "setup",
    "drain",
    "teardown",
    "consume",
    "consume_batch",
    "produce",
    "end_input",
    "settle",
    "give_back",
)

#: Where `every` notes its seconds on a method.
EVERY: Final = "__actorkit_every__"

F = TypeVar("F", bound=Callable[[Any], object])


def every(seconds: float | str) -> Callable[[F], F]:
    """Have a method called again and again, with so many seconds between two calls. The name of a parameter stands for
    its value; 0 there means never.

    The first call is that long after the start. It never overlaps with itself; what takes longer than the interval
    begins anew at once. No call begins when the instance drains. What it sends are new events, as those of a source.
    What it raises is logged, and it is called again.
    """

    def mark(method: F) -> F:
        setattr(method, EVERY, seconds)
        return method

    return mark


class Held(Protocol):
    """An event that its actor finishes later; until then it stays unacknowledged, and so is never lost."""

    def complete(self, *events: Event, also: Sequence[Held] = (), anew: bool = False) -> None:
        """Send these to the default outboxes and be done with the held event. A second call does nothing.

        `also` are other held events, out of which the same events were made: all of them are finished together, when
        these events are, so that either none comes again or all do. They are completed by this call. With `anew` each
        of the events begins a trace of its own; should the held event come again, it has the same one.
        """

    def fail(self, error: BaseException) -> None:
        """Have the held event fail with this error, as if consume had raised it. A second call does nothing."""


class Runtime(Protocol):
    """What an actor can ask of the process it runs in."""

    topology: str
    name: str
    instance: str
    brokers: tuple[str, ...]
    #: The topology's CURVE keys, for sockets that connect; None in the clear.
    keys: ClientKeys | None

    @property
    def outboxes(self) -> Collection[str]:
        """The connected outboxes, the reserved ones too."""

    @property
    def draining(self) -> bool:
        """Whether this instance is about to stop: a source makes nothing new."""

    def send(self, event: Event, outbox: str | None) -> None: ...

    def request(
        self,
        event: Event,
        outbox: str | None,
        timeout_s: float,
        finish_expired: bool,
        finished: Callable[[], None],
    ) -> Event: ...

    async def ask(self, event: Event, outbox: str | None, timeout_s: float, finish_expired: bool) -> Event: ...

    def hold(self, event: Event) -> Held: ...


class Actor:
    """A node of the graph. Subclasses write `consume`, or `produce` when they are a source.

    The annotation of `consume`'s event says which class it wants; what comes in is converted to it. `setup` runs once
    in an instance before it is ready, `teardown` after the last event.

    Each of the methods that the runtime calls may be `async def`: then it runs in an asyncio loop, which the instance
    has in a native thread of its own.
    """

    class Params(params.Params, frozen=True, kw_only=True):
        """Parameters of the actor; a subclass adds its own."""

    class BatchParams(Params, frozen=True, kw_only=True):
        """Parameters of an actor that has `consume_batch`; its own `Params` is this class or one made of it."""

        batch_size: Annotated[int, Meta(ge=1, le=100_000, description="most events in one consume_batch")] = 100
        batch_wait_s: Annotated[
            float, Meta(ge=0, description="longest wait for more events after the first; 0: takes what is there")
        ] = 0.0

    #: Name in topologies; "" for an actor that is named by its class. What publishes it names it so, too.
    NAME: ClassVar[str] = ""
    #: The extra of its distribution that its image needs; "" for none.
    EXTRA: ClassVar[str] = ""
    #: At a border only, for people: when the outside is told of an event that came from there (a source, a server), or
    #: has what an event brings there (a sink). docs/guarantees.md tells it of each stock actor.
    SETTLES: ClassVar[str] = ""
    #: At a border only: whether the outside may be told of one event twice: "yes"; "by key", where it knows the second
    #: time by `event.key`; "no", where it then happens twice.
    REPEATS: ClassVar[str] = ""
    #: Named outboxes that get only what is sent to them by name; a plain send goes to all others but `error` and `log`.
    OUTBOXES: ClassVar[tuple[str, ...]] = ()
    #: Whether events come back to the instance that asked (`request`); the graph may then lead back to it.
    ANSWERS: ClassVar[bool] = False
    #: Whether the actor listens on a port of its own: parameter name → default port.
    LISTENS: ClassVar[dict[str, int]] = {}
    #: Whether the actor needs the topology's broker; the name of a parameter: only where that is set.
    USES_BROKER: ClassVar[bool | str] = False
    #: Whether it is one: a Director sets it up before those who use brokers, and its `endpoint` says where it is.
    IS_BROKER: ClassVar[bool] = False
    #: Parameter → default folder, inside a container, of files that have to outlive it.
    KEEPS: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str, params: Any, runtime: Runtime) -> None:
        self.name = name
        self.params = params
        self.runtime = runtime
        self.log = logging.getLogger(f"actorkit.actor.{name}")

    def setup(self) -> Awaitable[None] | None:
        """Get ready: open pools, read files. An exception ends the instance before it is ready."""
        return None

    def drain(self) -> Awaitable[None] | None:
        """Take nothing new from outside: close listeners. Runs at SIGTERM, before what is under way is finished."""
        return None

    def end_input(self) -> Awaitable[None] | None:
        """Let go of the events that are held, as a join or an aggregate does: no more will come.

        Runs when all upstreams have ended or send elsewhere, and everything that came is consumed, be it in a drain or
        before; again, should more come after all. What it sends are new events. What it raises is logged.
        """
        return None

    def teardown(self) -> Awaitable[None] | None:
        """Give back what `setup` took. Runs after the drain."""
        return None

    def consume(self, event: Any) -> Result | Awaitable[Result] | AsyncIterator[Event]:  # noqa: ARG002  # the name is the subclass's contract
        """Deal with one event.

        Return an event (`event.replace(...)` keeps it in its trace), an iterable of events, or None. An exception sends
        the event to the `error` outbox, with the error as its `failure`; where none is connected, to the dead letters,
        and whoever waits for an answer is told the failure.
        """
        raise TypeError(f"{type(self).__name__} consumes nothing; it has no consume method")

    def consume_batch(self, events: list[Any]) -> Result | Awaitable[Result]:  # noqa: ARG002  # as above
        """Deal with several events at once, instead of `consume`: for what writes many at a time.

        At most `batch_size` of them, as many as are there; fewer than that are waited for up to `batch_wait_s`. All of
        them are done when it returns. An exception has all of them fail; `BatchFailed({event: error})` those that it
        names. What it returns or sends has to be made of one of them (`event.replace(...)`), and belongs to that one.
        """
        raise TypeError(f"{type(self).__name__} consumes nothing; it has no consume_batch method")

    def produce(self) -> Iterator[Event] | AsyncIterator[Event]:
        """Make events, for a source. The iterator is advanced only while the source's window has space for its
        event.

        An event may have a position in the outside that it comes from (`Event(data, position=Position("orders.csv",
        7))`): its id, its trace and its key then follow from that, and `settle` is told what became of it. `produce`
        and `settle` run beside each other, each in a greenlet; neither runs twice at a time.
        """
        return iter(())

    def settle(
        self,
        settlements: Sequence[Settlement],  # noqa: ARG002  # the name is the subclass's contract
        floors: Mapping[str, int],  # noqa: ARG002  # as above
    ) -> Awaitable[None] | None:
        """Tell the outside what became of events that have a position: acknowledge, commit, delete, park.

        Called with each of them once, in batches, while an instance runs and while it drains; nothing new is told until
        it returns, and until then the events keep their places in the source's window. `floors` has the streams of
        which more is settled without a hole than before: up to this position each event that was made is done or has
        failed, so that it can be committed. An exception ends the instance: what was not told comes again.
        """
        return None

    def give_back(self, positions: Sequence[Position]) -> Awaitable[None] | None:  # noqa: ARG002  # as above
        """Give events back to the outside that are unfinished when the time to drain is over. Called once, after the
        last `settle` and before `teardown`, where there are any; a process that is killed calls nothing."""
        return None

    def send(self, event: Event, outbox: str | None = None) -> None:
        """Send an event to the named outbox, or to all default ones. What was sent while an event was being consumed
        belongs to it: that event is acknowledged only when these are.

        Raises:
            NotFound: no outbox of that name is connected, and the class declares none.
        """
        self.runtime.send(event, outbox)

    def request(
        self,
        event: Event,
        outbox: str | None = None,
        *,
        timeout_s: float,
        finish_expired: bool = False,
        finished: Callable[[], None] = lambda: None,
    ) -> Event:
        """Send an event and wait for the one that comes back to this actor; other events are dealt with meanwhile.

        An event whose own deadline is sooner is not waited for any longer than that. When the time is over, what was
        not begun is dropped by whoever has it, but for `finish_expired`: then it is finished all the same.

        `finished` is called once, when nothing of the event is left in this instance: all that it became is finished,
        which may be long after its answer or the end of the time; or it was never sent.

        Raises:
            NotAnswered: the event was dealt with completely, and nothing came back.
            RequestFailed: it failed, and no error connection brought it back.
            AnswerTimeout: nothing came back in time.
            NotFound: no outbox of that name is connected.
            Draining: this instance is about to stop.
        """
        return self.runtime.request(event, outbox, timeout_s, finish_expired, finished)

    async def ask(
        self, event: Event, outbox: str | None = None, *, timeout_s: float, finish_expired: bool = False
    ) -> Event:
        """`request` for coroutines: send an event and await the one that comes back. It raises what `request` does."""
        return await self.runtime.ask(event, outbox, timeout_s, finish_expired)

    def hold(self, event: Event) -> Held:
        """Keep the event that is being consumed: it is finished by the handle, not by the end of `consume`."""
        return self.runtime.hold(event)

    def figures(self) -> Iterable[Figure]:
        """What the actor counts itself, for /metrics. Read at each scrape."""
        return ()

    @classmethod
    def check(cls, params: Any) -> Iterable[Problem]:  # noqa: ARG003  # the name is the subclass's contract
        """Mistakes in finished parameters that types cannot express: a stylesheet that does not compile, two routes
        that are the same.

        Runs when a topology is checked, on the author's machine, before anything starts; `params` is an instance of
        the class's own `Params`. A parameter that holds a secret may be unknown there: then this is not called. What
        it raises is a finding, too.
        """
        return ()

    @classmethod
    def named_outboxes(cls, params: Any) -> Mapping[str, str]:  # noqa: ARG003  # the name is the subclass's contract
        """Outboxes that finished parameters name, by the path inside them (`routes[0].outbox`). When a topology is
        checked, each has to be connected."""
        return {}

    @classmethod
    def consumes(cls) -> bool:
        """Whether the class takes events in."""
        return cls.consumes_itself() or cls.ANSWERS

    @classmethod
    def consumes_itself(cls) -> bool:
        """Whether the class deals with events, besides the answers to what it asks."""
        return cls.consume is not Actor.consume or cls.consumes_batches()

    @classmethod
    def consumes_batches(cls) -> bool:
        """Whether the class takes several events at once."""
        return cls.consume_batch is not Actor.consume_batch

    @classmethod
    def produces(cls) -> bool:
        """Whether the class is a source: it has `produce`, or timers and nothing to consume."""
        return cls.produce is not Actor.produce or (bool(cls.timers()) and not cls.consumes())

    @classmethod
    def needs_broker(cls, given: Mapping[str, Any]) -> bool:
        """Whether it needs the topology's broker with these parameters."""
        return bool(given.get(cls.USES_BROKER)) if isinstance(cls.USES_BROKER, str) else cls.USES_BROKER

    @classmethod
    def settles(cls) -> bool:
        """Whether the class is told what became of events that have a position."""
        return cls.settle is not Actor.settle

    @classmethod
    def handles_events(cls) -> bool:
        """Whether events go in or out: what does neither stands beside the graph, as a broker does."""
        return cls.consumes() or cls.produces()

    @classmethod
    def input_class(cls) -> type[Event]:
        """The event class that `consume` is annotated with, or that of the list of `consume_batch`; `Event` else."""
        wanted = cls.annotation()
        return wanted if isinstance(wanted, type) and issubclass(wanted, Event) else Event

    @classmethod
    def annotation(cls) -> object:
        """What `consume` is annotated with, or the list of `consume_batch`; `Event` where nothing is said."""
        method = cls.consume_batch if cls.consumes_batches() else cls.consume
        names = list(inspect.signature(method).parameters)
        if len(names) < 2:
            return Event
        wanted = get_type_hints(method).get(names[1], Event)
        return next(iter(get_args(wanted)), Event) if cls.consumes_batches() else wanted

    @classmethod
    def has_coroutines(cls) -> bool:
        """Whether the class needs an asyncio loop."""
        return any(is_async(getattr(cls, name)) for name in (*ASYNC, *cls.timers()))

    @classmethod
    def timers(cls) -> Mapping[str, float | str]:
        """The methods that are called again and again, with what `every` was given."""
        found = {name: getattr(getattr(cls, name, None), EVERY, None) for name in dir(cls)}
        return {name: seconds for name, seconds in found.items() if seconds is not None}
