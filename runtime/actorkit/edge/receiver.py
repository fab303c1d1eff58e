"""The receiving half of the edge protocol, without sockets: frames in, deliveries and replies out.

One `Receiver` serves all sessions of an actor's inbox socket. The shell feeds `on_frame`, hands `deliveries` to the
actor, and sends what stands in `replies`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final

from actorkit.edge import wire
from actorkit.edge.admission import Admission
from actorkit.edge.apart import Apart, DeliveryBatch
from actorkit.edge.dedup import DedupWindow
from actorkit.edge.receive_session import SMALL_BYTES, ReceiveSession, Unconsumed
from actorkit.edge.replies import is_answer
from actorkit.edge.suspects import is_suspect
from actorkit.edge.withdrawn import Withdrawn
from actorkit.errors import UNREADABLE
from actorkit.event.parcel import move_deadlines

#: Sessions that one instance keeps at a time, unless its maker says otherwise. One beyond that takes the place of one
#: that has nothing unfinished.
MAX_SESSIONS: Final = 4096

#: Bytes that may have come and not been consumed, unless its maker says otherwise: one message of the longest.
MAX_BYTES: Final = wire.MAX_MESSAGE_BYTES

#: What tells a sender's sessions apart: its instance, its actor, its outbox, and the inbox here.
_Name = tuple[str, str, str, str]


class Receiver:
    """All sessions of one instance's inbox. `clock` gives seconds; it is asked when events with deadlines come.
    `life` is another number for each process.

    Attributes:
        deliveries: events in the order in which they came, for the actor's workers.
        apart: suspects, and what came behind them; they get into `deliveries` one after the other.
        answers: where the answers to this actor go, each by itself, if they are taken apart from `deliveries`.
        withdrawn: requests whose events nobody waits for any more.
        replies: (identity, frame) to send.
        inboxes: events taken so far, by inbox name.
        bytes: bytes of the batches that they came in, by inbox name.
        rejected: frames that were no good, by reason.
    """

    def __init__(
        self,
        topology: str,
        actor: str,
        instance: str,
        *,
        dedup: DedupWindow | None = None,
        max_sessions: int = MAX_SESSIONS,
        max_bytes: int = MAX_BYTES,
        max_acked_above: int = wire.MAX_ACKED_ABOVE,
        admission: Admission | None = None,
        life: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self.topology = topology
        self.actor = actor
        self.instance = instance
        self._life = life
        self.dedup = dedup or DedupWindow()
        self._max_sessions = max_sessions
        self._max_bytes = max_bytes
        self._unconsumed = Unconsumed()
        self._max_acked_above = max_acked_above
        self._admission = admission or Admission()
        self.sessions: dict[bytes, ReceiveSession] = {}
        self.deliveries: deque[DeliveryBatch] = deque()
        self.answers: deque[DeliveryBatch] | None = None
        self.replies: list[tuple[bytes, bytes]] = []
        self.withdrawn = Withdrawn()
        self.apart = Apart(self.deliveries, self.dedup, self._tell)
        self.inboxes: dict[str, int] = {}
        self.bytes: dict[str, int] = {}
        self.rejected: dict[str, int] = {}
        self.redelivered = 0
        self.draining = False
        #: How often senders have asked this draining instance to stay.
        self.stays = 0
        #: Called when a sender has said whether it sends more.
        self.told: Callable[[], None] = lambda: None
        #: Sessions that ended with a goodbye.
        self.goodbyes = 0
        self._touched: list[ReceiveSession] = []
        self._by_name: dict[_Name, bytes] = {}
        #: Peers that do not read what is sent to them, with their sessions that have news; it is sent when they read.
        self._stuck: dict[bytes, list[ReceiveSession]] = {}
        #: Sessions that have ended while some of their events were unfinished.
        self._parted: list[ReceiveSession] = []
        self._ended = False

    def on_frame(self, identity: bytes, frame: bytes | memoryview) -> None:
        """Take one message of a peer. A bad one is counted and answered with a refusal; nothing is raised."""
        if self._admission.strikes and self._admission.shuts_out(identity):
            self.rejected["shut-out"] = self.rejected.get("shut-out", 0) + 1
            return
        try:
            message = wire.decode_from_sender(frame)
        except UNREADABLE:
            self._refuse(identity, "malformed", "the message is none of this protocol's")
            return
        if type(message) is wire.Batch:
            self._take(identity, message, len(frame))
        elif type(message) is wire.Hello:
            self._welcome(identity, message)
        elif type(message) is wire.Go:
            if identity in self.sessions:
                self.apart.go(self.sessions[identity], message.number)
        elif type(message) is wire.Bye:
            if identity in self.sessions:
                self.gone(identity)
                self.goodbyes += 1
        elif type(message) is wire.Withdraw:
            if identity in self.sessions:
                self.withdrawn.hear(message.keys)
        elif identity in self.sessions:
            self.sessions[identity].sends = message.sends
            self.stays += message.needed
            self.told()

    def _take(self, identity: bytes, batch: wire.Batch, size: int) -> None:
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
        if size > SMALL_BYTES and not self._fits(batch, size):
            self._turn_away(identity, "full", "what has come has to be consumed first")
            return
        session.take(count, size)
        session.sends = True
        label = session.label
        self.inboxes[label] = self.inboxes.get(label, 0) + count
        self.bytes[label] = self.bytes.get(label, 0) + size
        if batch.redelivered:
            self.redelivered += sum(parcel.redelivered is not False for parcel in batch.parcels)
        if batch.now_ms is not None:
            session.timed = True
            move_deadlines(batch.parcels, batch.now_ms, int(self._clock() * 1000))
        delivery = (session, batch.first, batch.parcels, batch.redelivered)
        for one in (delivery,) if self.answers is None else self._without_answers(delivery, self.answers):
            if session.apart or (batch.redelivered and any(is_suspect(parcel) for parcel in one[2])):
                self.apart.put(one)
            else:
                self.deliveries.append(one)

    def _without_answers(self, delivery: DeliveryBatch, answers: deque[DeliveryBatch]) -> Iterator[DeliveryBatch]:
        """What a batch has but answers; each of those is put into `answers` by itself."""
        session, first, parcels, redelivered = delivery
        for awaited, run in groupby(parcels, lambda parcel: is_answer(parcel, self.actor)):
            some = list(run)
            if awaited:
                session.timed = True
                answers.extend((session, number, [parcel], redelivered) for number, parcel in enumerate(some, first))
            else:
                yield session, first, some, redelivered
            first += len(some)

    def _welcome(self, identity: bytes, hello: wire.Hello) -> None:
        if hello.version != wire.VERSION:
            self._refuse(identity, "version", f"version {hello.version} is not spoken here, but {wire.VERSION}")
            return
        if hello.topology != self.topology:
            self._refuse(identity, "topology", f'this is "{self.topology}", not "{hello.topology:.200}"')
            return
        self.gone(identity)
        name = _name(hello)
        if name in self._by_name:  # what this sender had before it lost its connection
            self.gone(self._by_name[name])
        reason, _, text = self._admission.objection(hello).partition(": ")
        if reason:
            self._refuse(identity, reason, text)
        elif self._make_room():
            window = min(hello.window, wire.MAX_WINDOW)
            label = self._admission.label(hello.inbox)
            self._admission.enter(identity, hello.actor, hello.instance)
            self._by_name[name] = identity
            self.sessions[identity] = ReceiveSession(
                identity, hello, window, self.dedup, self.touched, self._max_acked_above, label, self._unconsumed
            )
            self._reply(identity, wire.Welcome(wire.VERSION, self.actor, self.instance, window, self._life))
            if self.draining:
                self._reply(identity, wire.Drain())
        else:
            self._refuse(identity, "crowded", f"{self._max_sessions} sessions are open already")

    def _make_room(self) -> bool:
        """Have room for one more session. The oldest one that has nothing unfinished goes: its sender begins anew when
        it has something to send, so that sessions that somebody only holds open keep nobody out."""
        if len(self.sessions) < self._max_sessions:
            return True
        for session in self.sessions.values():
            if not session.unfinished:
                self._turn_away(session.identity, "crowded", "another sender needs the place")
                return True
        for session in self.sessions.values():
            session.touch()  # Those whose sender is gone are found out when they are written to.
        return False

    def _fits(self, batch: wire.Batch, size: int) -> bool:
        """Whether there is room for a message. Answers have as much room again: what is consumed may wait for them."""
        unconsumed, most = self._unconsumed.size, self._max_bytes
        if not unconsumed or unconsumed + size <= most:
            return True
        answers = all(is_answer(parcel, self.actor) for parcel in batch.parcels)
        return answers and unconsumed + size <= 2 * most

    def _turn_away(self, identity: bytes, reason: str, text: str) -> None:
        """End a session whose peer has done nothing wrong; it begins anew after a pause."""
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        self.gone(identity)
        self._reply(identity, wire.Refuse(f"{reason}: {text}"))

    def gone(self, identity: bytes) -> None:
        """Forget the session of a peer that is known to be gone; what it sent is still worked on."""
        self._stuck.pop(identity, None)
        session = self.sessions.pop(identity, None)
        if session is None:
            return
        self.apart.gone(session)
        self._admission.leave(session.actor, session.instance)
        name = _name(session)
        if self._by_name.get(name) == identity:
            del self._by_name[name]
        if session.unfinished:
            self._parted = [one for one in self._parted if one.unfinished]
            self._parted.append(session)

    def stuck(self, identity: bytes) -> None:
        """A peer does not read: its news wait, in one message, until it does."""
        if identity in self.sessions:
            self._stuck.setdefault(identity, [])

    def reads_again(self, identity: bytes) -> None:
        """A peer reads again what is sent to it."""
        self._touched += self._stuck.pop(identity, ())

    def touched(self, session: ReceiveSession) -> None:
        """A session has news for its sender."""
        self._touched.append(session)

    @property
    def has_news(self) -> bool:
        return bool(self._touched or self.replies)

    @property
    def urgent(self) -> bool:
        """Whether something is to be sent at once; mere acknowledgements may wait a little, to be gathered."""
        if self.replies or self.draining:
            return True
        for session in self._touched:  # noqa: SIM110  # asked in each pass of the loop: a generator costs the most here
            if session.urgent:
                return True
        return False

    def write_acks(self) -> None:
        """Put the acknowledgements that are due into `replies`."""
        touched, self._touched = self._touched, []
        for session in touched:
            if self._stuck and session.identity in self._stuck:
                self._stuck[session.identity].append(session)
                continue
            outcomes, ack = session.take_outcomes(), session.take_ack()
            if session.identity in self.sessions:
                for message in outcomes:
                    self._reply(session.identity, message)
                self._reply(session.identity, ack)

    def drain(self) -> None:
        """Tell every sender that this instance is about to stop."""
        self.draining = True
        for identity in self.sessions:
            self._reply(identity, wire.Drain())

    def end(self, way: str, session: ReceiveSession | None = None, number: int = 0) -> None:
        """Tell every sender how this instance ends, and the one session which event of it does that. Only the first
        time: it ends once."""
        if not self._ended:
            self._ended = True
            for identity, one in self.sessions.items():
                self._reply(identity, wire.End(number if one is session else 0, way[: wire.MAX_WAY]))

    def vanish(self) -> None:
        """End without a word to any sender: which event ends this instance is not known, as where it is killed."""
        self._ended = True

    def _tell(self, session: ReceiveSession, message: wire.FromReceiver) -> None:
        if session.identity in self.sessions:
            self._reply(session.identity, message)

    @property
    def at_end(self) -> bool:
        """Whether nothing more will come: each sender that is still there has said so, or none is, in a drain."""
        return not any(session.sends for session in self.sessions.values()) and (self.draining or bool(self.sessions))

    @property
    def idle(self) -> bool:
        """Whether nothing that came in is unfinished."""
        return not self._unfinished

    @property
    def in_work(self) -> int:
        """How many events have been given to the actor and are not finished."""
        waiting = sum(len(parcels) for _, _, parcels, _ in self.deliveries) + len(self.answers or ())
        return self._unfinished - self.apart.count - waiting

    @property
    def _unfinished(self) -> int:
        return sum(session.unfinished for session in (*self.sessions.values(), *self._parted))

    def _reply(self, identity: bytes, message: wire.FromReceiver) -> None:
        self.replies.append((identity, wire.encode(message)))

    def _refuse(self, identity: bytes, reason: str, text: str) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        self.gone(identity)
        if self._admission.strike(identity):
            self._reply(identity, wire.Refuse(f"{reason}: {text}"))


def _name(peer: wire.Hello | ReceiveSession) -> _Name:
    return peer.instance, peer.actor, peer.outbox, peer.inbox
