"""What users write: a class that receives an event and returns events."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, get_type_hints

from actorkit import params
from actorkit.event import Event
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit.transport.keys import ClientKeys

#: What `consume` may give back: an event, several, or None when there is nothing to send.
Result = Event | Iterable[Event] | None


class Held(Protocol):
    """An event that its actor finishes later; until then it stays unacknowledged, and so is never lost."""

    def complete(self, *events: Event) -> None:
        """Send these to the default outboxes and be done with the held event. A second call does nothing."""

    def fail(self, error: BaseException) -> None:
        """Have the held event fail with this error, as if consume had raised it. A second call does nothing."""


class Runtime(Protocol):
    """What an actor can ask of the process it runs in."""

    name: str
    instance: str
    #: Endpoints of the topology's brokers.
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

    def hold(self, event: Event) -> Held: ...


class Actor:
    """A node of the graph. Subclasses write `consume`, or `produce` when they are a source.

    The annotation of `consume`'s event says which class it wants; what comes in is converted to it. `setup` runs once
    in an instance before it is ready, `teardown` after the last event.
    """

    class Params(params.Params, frozen=True, kw_only=True):
        """Parameters of the actor; a subclass adds its own."""

    #: Name in topologies; "" for an actor that is named by its class. What publishes it names it so, too.
    NAME: ClassVar[str] = ""
    #: The extra of its distribution that its image needs; "" for none.
    EXTRA: ClassVar[str] = ""
    #: At a border, when the outside is told that an event is finished, or has it: "when the file is synced".
    SETTLES: ClassVar[str] = ""
    #: At a border, whether the same event again does no harm there: "yes", "by key", "no".
    REPEATS: ClassVar[str] = ""
    #: Named outboxes that get only what is sent to them by name; a plain send goes to all others but `error` and `log`.
    OUTBOXES: ClassVar[tuple[str, ...]] = ()
    #: Whether events come back to the instance that asked (`request`); the graph may then lead back to it.
    ANSWERS: ClassVar[bool] = False
    #: Whether the actor listens on a port of its own: parameter name → default port.
    LISTENS: ClassVar[dict[str, int]] = {}
    #: Whether the actor needs the topology's broker.
    USES_BROKER: ClassVar[bool] = False
    #: Whether it is one: a Director sets it up before those who use brokers, and its `endpoint` says where it is.
    IS_BROKER: ClassVar[bool] = False
    #: Parameter → default folder, inside a container, of files that have to outlive it.
    KEEPS: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str, params: Any, runtime: Runtime) -> None:
        self.name = name
        self.params = params
        self.runtime = runtime
        self.log = logging.getLogger(f"actorkit.actor.{name}")

    def setup(self) -> None:
        """Get ready: open pools, read files. An exception ends the instance before it is ready."""

    def drain(self) -> None:
        """Take nothing new from outside: close listeners. Runs at SIGTERM, before what is under way is finished."""

    def teardown(self) -> None:
        """Give back what `setup` took. Runs after the drain."""

    def consume(self, event: Any) -> Result:  # noqa: ARG002  # the name is the subclass's contract
        """Deal with one event.

        Return an event (`event.replace(...)` keeps it in its trace), an iterable of events, or None. An exception sends
        the event to the `error` outbox, with the error as its `failure`; where none is connected, to the dead letters,
        and whoever waits for an answer is told the failure.
        """
        raise TypeError(f"{type(self).__name__} consumes nothing; it has no consume method")

    def produce(self) -> Iterator[Event]:
        """Make events, for a source. The iterator is advanced only while the source's window has space for its
        event."""
        return iter(())

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
        return cls.consume is not Actor.consume or cls.ANSWERS

    @classmethod
    def produces(cls) -> bool:
        """Whether the class is a source."""
        return cls.produce is not Actor.produce

    @classmethod
    def handles_events(cls) -> bool:
        """Whether events go in or out: what does neither stands beside the graph, as a broker does."""
        return cls.consumes() or cls.produces()

    @classmethod
    def input_class(cls) -> type[Event]:
        """The event class that `consume` is annotated with; `Event` when it is not."""
        names = list(inspect.signature(cls.consume).parameters)
        if len(names) < 2:
            return Event
        wanted = get_type_hints(cls.consume).get(names[1], Event)
        return wanted if isinstance(wanted, type) and issubclass(wanted, Event) else Event
