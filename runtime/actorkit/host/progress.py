"""What the workers of an instance are doing: which event of which run, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import cast

from actorkit.edge import wire
from actorkit.edge.receive_session import ReceiveSession
from actorkit.errors import UnsendableData
from actorkit.event import Event


class BatchProgress:
    """Events of one session with consecutive numbers, on their way through a worker; `opened` counts those that were
    consumed and wait for something."""

    __slots__ = ("_reported", "first", "opened", "parcels", "session")

    def __init__(self, session: ReceiveSession, first: int, parcels: list[wire.Delivery]) -> None:
        self.parcels = parcels
        self.session = session
        self.first = first
        self._reported = 0
        self.opened = 0

    def report(self, count: int) -> None:
        """Tell the session that the first `count` of them are consumed."""
        if count > self._reported:
            some = self.parcels[self._reported : count]
            self.session.finish_run(self.first + self._reported, some, self.opened)
            self.session.consume(len(some))
            self._reported, self.opened = count, 0


class ConsumeContext:
    """What a worker is consuming: one event of a run; nothing between two deliveries."""

    __slots__ = ("_looked_at", "_since", "event", "run")

    def __init__(self, event: Event | None = None, run: BatchProgress | None = None) -> None:
        self.event = event
        self.run = run
        #: The id of the event that was looked at last, and when it was seen first.
        self._looked_at: int | None = None
        self._since = 0.0

    @property
    def session(self) -> ReceiveSession | None:
        """The session that the event came in."""
        return self.run.session if self.run is not None else None

    def snapshot(self) -> ConsumeContext:
        """What is being consumed now, for another thread: this object soon tells of the next event."""
        return ConsumeContext(self.event, self.run)

    def parent_of(self, event: Event) -> Event | None:  # noqa: ARG002  # a batch has several
        """The event that one belongs to which is sent now."""
        return self.event

    def session_of(self, event: Event) -> ReceiveSession | None:  # noqa: ARG002  # as above
        """The session in which an event came that is being consumed."""
        return self.session

    @property
    def is_several(self) -> bool:
        """Whether several events are consumed together, so that nobody can tell which of them ends the process."""
        return False

    def report(self) -> None:
        """Tell the session what stands before this event."""
        if self.run is not None and self.event is not None:
            self.run.report(self._index())

    def _index(self) -> int:
        if self.run is None or self.event is None:
            return 0
        return self.run.parcels.index(cast(wire.Delivery, self.event.origin))

    def session_number(self) -> tuple[ReceiveSession | None, int]:
        """The session of the event, and its number there; (None, 0) when there is none."""
        if self.run is None or self.event is None:
            return None, 0
        return self.run.session, self.run.first + self._index()

    def age_s(self, now: float) -> float:
        """How long the event is being consumed, as far as is known: since the first look at it."""
        event = self.event
        id_ = event.origin.id if event is not None and event.origin is not None else None
        if id_ != self._looked_at:
            self._looked_at, self._since = id_, now
        return now - self._since if id_ is not None else 0.0


class BatchContext(ConsumeContext):
    """Several events that are consumed together. `run` is there only for a batch of one: of more it is not known which
    of them ends the process, if one does."""

    __slots__ = ("_members",)

    def __init__(self, members: Sequence[tuple[Event, ReceiveSession]], run: BatchProgress | None = None) -> None:
        super().__init__(members[0][0] if members else None, run)
        self._members = {id(event.origin): (event, session) for event, session in members}

    def snapshot(self) -> ConsumeContext:
        return self

    @property
    def is_several(self) -> bool:
        return self.run is None

    def member(self, event: Event) -> Event | None:
        """The event of the batch that this one is, or was made of."""
        found = self._members.get(id(event.origin)) if event.origin is not None else None
        return found[0] if found is not None else None

    def parent_of(self, event: Event) -> Event:
        parent = self.member(event)
        if parent is None:
            raise UnsendableData(
                "the event is made of none of the batch, so nobody knows which of them waits for it: write "
                "event.replace(...) of the one that it belongs to"
            )
        return parent

    def session_of(self, event: Event) -> ReceiveSession | None:
        found = self._members.get(id(event.origin))
        return found[1] if found is not None else None


#: What the running greenlet or thread consumes. Greenlets that an actor spawns have none.
current: ContextVar[ConsumeContext] = ContextVar("current", default=ConsumeContext())  # noqa: B039

#: In a native thread: what the event that it consumes has sent so far, as (event, outbox).
outgoing: ContextVar[list[tuple[Event, str | None]] | None] = ContextVar("outgoing", default=None)
