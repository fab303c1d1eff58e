"""The receiving half of the edge protocol, without sockets: frames in, arrivals and replies out.

One `Receiver` serves all sessions of an actor's inbox socket. The shell feeds `on_frame`, hands `arrivals` to the
actor, and sends what stands in `replies`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from actorkit import wire
from actorkit.errors import UNREADABLE
from actorkit.known import Known

#: Sessions that one instance keeps at a time; a peer beyond that is refused.
MAX_SESSIONS: Final = 4096

#: So many numbers may be finished above one that is not; then that one is set aside, so that its session can go on.
MAX_SCATTERED: Final = 1024

#: So many finished events are acknowledged at once; fewer wait a little for more.
MANY: Final = 64


class Session:
    """What one sender has sent: how much is consumed, and which numbers are finished.

    Numbers up to `upto` are finished, but for those in `aside`; `scattered` holds finished ones above it. In an
    `orderly` session both are empty.
    """

    __slots__ = (
        "_aside_order",
        "_fresh",
        "_told_upto",
        "actor",
        "aside",
        "consumed",
        "dirty",
        "expected",
        "identity",
        "inbox",
        "instance",
        "orderly",
        "outbox",
        "receiver",
        "scattered",
        "told",
        "upto",
        "window",
    )

    def __init__(self, receiver: Receiver, identity: bytes, hello: wire.Hello, window: int) -> None:
        self.receiver = receiver
        self.identity = identity
        self.actor = hello.actor
        self.instance = hello.instance
        self.outbox = hello.outbox
        self.inbox = hello.inbox
        self.window = window
        #: The number that the next event must have.
        self.expected = 1
        self.consumed = 0
        #: How much of `consumed` the sender has been told.
        self.told = 0
        self.upto = 0
        self._told_upto = 0
        self.dirty = False
        self.orderly = True
        self.scattered: set[int] = set()
        self.aside: set[int] = set()
        self._aside_order: deque[int] = deque()
        self._fresh: list[int] = []

    def close(self, parcels: Sequence[wire.Arrived]) -> None:
        """Note that nothing that these consumed events became is unfinished."""
        known = self.receiver.known
        if known.twins:
            for parcel in parcels:
                known.finish_twins(parcel.id)
        if not self.orderly:
            for parcel in parcels:
                self.finish(parcel.number)
            return
        upto = self.upto
        for index, parcel in enumerate(parcels):
            if parcel.number != upto + 1:
                self.upto = upto
                for other in parcels[index:]:
                    self.finish(other.number)
                break
            upto += 1
        else:
            self.upto = upto
        self.touch()

    def finish(self, number: int) -> None:
        """Note that the event of that number is finished with everything it became."""
        if number <= self.upto:
            self.aside.discard(number)
            self._fresh.append(number)
        elif number == self.upto + 1:
            if self.aside:
                self._fresh.append(number)
            self._advance()
        else:
            self.scattered.add(number)
            self._fresh.append(number)
            while len(self.scattered) > MAX_SCATTERED:
                self.aside.add(self.upto + 1)
                self._aside_order.append(self.upto + 1)
                self._advance()
        self.orderly = not self.scattered and not self.aside
        self.touch()

    def _advance(self) -> None:
        """Take `upto` one further, and past the finished ones that follow."""
        self.upto += 1
        while self.upto + 1 in self.scattered:
            self.upto += 1
            self.scattered.remove(self.upto)

    def finish_run(self, first: int, parcels: Sequence[wire.Arrived], opened: int = 0) -> None:
        """Note that those of consecutive events that wait for nothing are finished: all but `opened` ones."""
        if self.orderly and not opened and first == self.upto + 1:
            self.upto += len(parcels)
            self.touch()
        elif opened < len(parcels):
            for number, parcel in enumerate(parcels, first):
                if not parcel.number:
                    self.finish(number)

    def touch(self) -> None:
        """There is news for the sender."""
        if not self.dirty:
            self.dirty = True
            self.receiver.touched(self)

    def is_finished(self, number: int) -> bool:
        """Whether the event of that number is finished."""
        return number in self.scattered or (number <= self.upto and number not in self.aside)

    @property
    def unfinished(self) -> int:
        """How many events have come and are not finished."""
        return self.expected - 1 - self.upto + len(self.aside) - len(self.scattered)

    def consume(self, count: int) -> None:
        """Note that `count` more events have been consumed; the sender is told at the latest after half a window."""
        self.consumed += count
        if (self.consumed - self.told) * 2 >= self.window:
            self.touch()

    @property
    def urgent(self) -> bool:
        """Whether the sender should not wait for the news: there is much of it, or its window is half used up."""
        return self.upto - self._told_upto + len(self._fresh) >= MANY or (self.consumed - self.told) * 2 >= self.window

    def take_ack(self) -> wire.Ack:
        """The news since the last one."""
        self.dirty = False
        self.told = self.consumed
        while self._aside_order and self._aside_order[0] not in self.aside:
            self._aside_order.popleft()
        self._told_upto = self._aside_order[0] - 1 if self._aside_order else self.upto
        done = [number for number in self._fresh if number > self._told_upto]
        self._fresh.clear()
        return wire.Ack(self.consumed, self._told_upto, done)

    def __repr__(self) -> str:
        state = f"expected={self.expected} consumed={self.consumed} upto={self.upto}"
        state += f" done={len(self.scattered)} aside={len(self.aside)}"
        return f"<Session {self.actor}/{self.instance} -> {self.inbox} {state}>"


#: Events of one session that came together: (session, number of the first, parcels, whether one of them is marked).
Arrival = tuple[Session, int, list[wire.Arrived], bool]


class Receiver:
    """All sessions of one instance's inbox.

    Attributes:
        arrivals: events in the order in which they came, for the actor's workers.
        replies: (identity, frame) to send.
        inboxes: events taken so far, by inbox name.
        rejected: frames that were no good, by reason.
    """

    def __init__(self, topology: str, actor: str, instance: str) -> None:
        self.topology = topology
        self.actor = actor
        self.instance = instance
        self.known = Known()
        self.sessions: dict[bytes, Session] = {}
        self.arrivals: deque[Arrival] = deque()
        self.replies: list[tuple[bytes, bytes]] = []
        self.inboxes: dict[str, int] = {}
        self.rejected: dict[str, int] = {}
        self.duplicates = 0
        self.redelivered = 0
        self.draining = False
        #: How often senders have asked this draining instance to stay.
        self.stays = 0
        #: Sessions that ended with a goodbye.
        self.goodbyes = 0
        self._touched: list[Session] = []
        #: Sessions that are no more, and something of theirs may be unfinished.
        self._parted: list[Session] = []

    def on_frame(self, identity: bytes, frame: bytes | memoryview) -> None:
        """Take one message of a peer. A bad one is counted and answered with a refusal; nothing is raised."""
        try:
            message = wire.decode_from_sender(frame)
        except UNREADABLE:
            self._refuse(identity, "malformed", "the message is none of this protocol's")
            return
        if type(message) is wire.Batch:
            self._take(identity, message)
        elif type(message) is wire.Hello:
            self._welcome(identity, message)
        elif type(message) is wire.Bye:
            if identity in self.sessions:
                self.gone(identity)
                self.goodbyes += 1
        else:
            self.stays += 1

    def _take(self, identity: bytes, batch: wire.Batch) -> None:
        session = self.sessions.get(identity)
        if session is None:
            self._refuse(identity, "stranger", "a batch came before a hello")
            return
        if batch.first != session.expected or not batch.parcels:
            self._refuse(identity, "gap", f"number {batch.first} came where {session.expected} was expected")
            return
        count = len(batch.parcels)
        if session.expected + count - 1 - session.consumed > session.window:
            self._refuse(identity, "overrun", f"more than the window of {session.window} events is under way")
            return
        session.expected += count
        self.inboxes[session.inbox] = self.inboxes.get(session.inbox, 0) + count
        if batch.marked:
            self.redelivered += sum(parcel.redelivered for parcel in batch.parcels)
        self.arrivals.append((session, batch.first, batch.parcels, batch.marked))

    def _welcome(self, identity: bytes, hello: wire.Hello) -> None:
        if hello.version != wire.VERSION:
            self._refuse(identity, "version", f"version {hello.version} is not spoken here, but {wire.VERSION}")
        elif hello.topology != self.topology:
            self._refuse(identity, "topology", f'this is "{self.topology}", not "{hello.topology}"')
        elif hello.window < 1:
            self._refuse(identity, "malformed", "a window must be at least 1")
        elif len(self.sessions) >= MAX_SESSIONS:
            self._refuse(identity, "crowded", f"{MAX_SESSIONS} sessions are open already")
            for session in self.sessions.values():
                session.touch()  # Those whose sender is gone are found out when they are written to.
        else:
            self._replace(hello)
            window = min(hello.window, 65_536)
            self.sessions[identity] = Session(self, identity, hello, window)
            self._reply(identity, wire.Welcome(wire.VERSION, self.actor, self.instance, window))
            if self.draining:
                self._reply(identity, wire.Drain())

    def _replace(self, hello: wire.Hello) -> None:
        """Forget the session that this sender had before it lost its connection."""
        for identity, session in self.sessions.items():
            if (session.instance, session.actor, session.outbox, session.inbox) == (
                hello.instance,
                hello.actor,
                hello.outbox,
                hello.inbox,
            ):
                self.gone(identity)
                return

    def gone(self, identity: bytes) -> None:
        """Forget the session of a peer that is known to be gone; what it sent is still worked on."""
        session = self.sessions.pop(identity, None)
        if session is not None and session.unfinished:
            self._parted = [one for one in self._parted if one.unfinished]
            self._parted.append(session)

    def touched(self, session: Session) -> None:
        """A session has news for its sender."""
        self._touched.append(session)

    @property
    def has_news(self) -> bool:
        return bool(self._touched or self.replies)

    @property
    def urgent(self) -> bool:
        """Whether something is to be sent at once; mere acknowledgements may wait a little, to be gathered."""
        return bool(self.replies) or self.draining or any(session.urgent for session in self._touched)

    def write_acks(self) -> None:
        """Put the acknowledgements that are due into `replies`."""
        touched, self._touched = self._touched, []
        for session in touched:
            ack = session.take_ack()
            if session.identity in self.sessions:
                self._reply(session.identity, ack)

    def drain(self) -> None:
        """Tell every sender that this instance is about to stop."""
        self.draining = True
        for identity in self.sessions:
            self._reply(identity, wire.Drain())

    @property
    def idle(self) -> bool:
        """Whether nothing that came in is unfinished."""
        return not self._unfinished

    @property
    def in_work(self) -> int:
        """How many events have been given to the actor and are not finished."""
        return self._unfinished - sum(len(parcels) for _, _, parcels, _ in self.arrivals)

    @property
    def _unfinished(self) -> int:
        return sum(session.unfinished for session in (*self.sessions.values(), *self._parted))

    def _reply(self, identity: bytes, message: wire.FromReceiver) -> None:
        self.replies.append((identity, wire.encode(message)))

    def _refuse(self, identity: bytes, reason: str, text: str) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        self.gone(identity)
        self._reply(identity, wire.Refuse(f"{reason}: {text}"))
