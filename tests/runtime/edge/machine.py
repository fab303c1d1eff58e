"""A machine of hypothesis: one sender, several receivers, and a network that loses what is on its way.

The model holds every frame in a queue for each session, so that hypothesis can interleave anything with anything:
delivery, consumption, completion out of order, disconnection, death of a receiver, draining, a change of the addresses;
and the death of a receiver over a certain event.
"""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from actorkit.edge import wire
from actorkit.edge.apart import DeliveryBatch
from actorkit.edge.ledger import settle
from actorkit.edge.outcome import Answer, Failed, Outcome
from actorkit.edge.peers import Peers
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.receiver import Receiver
from actorkit.edge.send_session import SendSession
from actorkit.edge.sender import Sender
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel, Suspicion
from actorkit.graph import Options

WINDOW = 5
ADDRESSES = ["tcp://a:1", "tcp://b:1", "tcp://c:1"]


class Entry:
    """Stands for the event upstream: counts how often it was told that its child is finished."""

    def __init__(self) -> None:
        self.pending = 0
        self.released = 0
        self.told: list[Outcome] = []

    def done(self) -> None:
        self.released += 1

    def tell(self, outcome: Outcome, /) -> None:
        assert not self.released, "what became of an event is told before it is finished"
        self.told.append(outcome)


#: What becomes of events, by the rest of their ids; of most nothing that anybody has to be told.
OUTCOMES: dict[int, Outcome] = {
    0: Failed(Failure("X", "fails when all it became is done")),
    1: Failed(Failure("X", "fails while consume goes on")),
    2: Answer("up", b"key", Parcel(7, 1, "b", b"answer", b"")),
}


def outcome_of(id_: int) -> Outcome | None:
    """What becomes of an event, wherever it is consumed."""
    return OUTCOMES.get(id_ % 5)


class Wire:
    """One session's frames under way, both directions."""

    def __init__(self, session: SendSession, identity: bytes) -> None:
        self.session = session
        self.identity = identity
        self.forward: deque[bytes] = deque()
        self.back: deque[bytes] = deque()


class EdgeMachine(RuleBasedStateMachine):
    addresses = Bundle("addresses")
    #: So many events may be finished above one that is not.
    patience = wire.MAX_ACKED_ABOVE

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        peers = Peers(tuple(ADDRESSES), "up", Options(window=WINDOW))
        self.sender = Sender("t", "up", "up-1", "down", peers, max_acked_above=self.patience)
        self.receivers: dict[str, Receiver] = {}
        self.wires: dict[SendSession, Wire] = {}
        self.sessions = 0
        self.entries: dict[int, Entry] = {}
        self.unmarked: set[int] = set()
        self.finished: set[int] = set()
        self.consumed_at: set[tuple[str, int]] = set()
        #: How many receivers an event has ended, and how many were lost when it was begun there.
        self.deaths: Counter[int] = Counter()
        self.begun_when_lost: Counter[int] = Counter()
        self.work: dict[str, list[wire.Delivery]] = {address: [] for address in ADDRESSES}

    @initialize(target=addresses)
    def begin(self) -> str:
        for address in ADDRESSES:
            self.receivers[address] = self.new_receiver(address)
        self.listen(ADDRESSES)
        return ADDRESSES[0]

    def new_receiver(self, address: str) -> Receiver:
        self.sessions += 1
        receiver = Receiver("t", "down", f"{address}/{self.sessions}", max_acked_above=self.patience)
        receiver.apart.answered = receiver.apart.later
        return receiver

    def listen(self, addresses: list[str]) -> None:
        for address in sorted(self.sender.follow(addresses)):
            self.open(address)

    def open(self, address: str) -> None:
        session = self.sender.open(address)
        self.sessions += 1
        self.wires[session] = Wire(session, b"%d" % self.sessions)

    # --- what can happen --------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 4))
    def put(self, count: int) -> None:
        for _ in range(count):
            id_ = new_id()
            self.entries[id_] = Entry()
            self.sender.put(Parcel(id_, id_, "n", b"", b""), self.entries[id_], Event())

    @rule()
    def dispatch(self) -> None:
        self.sender.dispatch(self.now)
        frames, self.sender.frames = self.sender.frames, []
        for session, frame in frames:
            if session in self.wires:
                self.wires[session].forward.append(bytes(frame))
            self.sender.reuse(frame)

    @rule(address=st.sampled_from(ADDRESSES), many=st.booleans())
    def deliver(self, address: str, many: bool) -> None:
        session = self.sender.sessions.get(address)
        if session is None:
            return
        queue = self.wires[session].forward
        for _ in range(len(queue) if many else min(1, len(queue))):
            self.receivers[address].on_frame(self.wires[session].identity, queue.popleft())

    @rule(address=st.sampled_from(ADDRESSES), many=st.booleans())
    def consume(self, address: str, many: bool) -> None:
        receiver = self.receivers[address]
        while receiver.deliveries:
            session, first, parcels, redelivered = batch = receiver.deliveries.popleft()
            if receiver.apart.is_turn(batch):
                if not receiver.apart.permitted:
                    receiver.apart.ask()
                    continue
                self.sender_knows(address, batch)
            for number, run in receiver.dedup.admit(0, session, first, parcels, redelivered):
                for parcel in run:
                    self.take(address, session, number, parcel)
                    number += 1
            receiver.dedup.settle(0)
            session.consume(len(parcels))
            receiver.apart.end(batch)
            if not many:
                break

    def sender_knows(self, address: str, batch: DeliveryBatch) -> None:
        """Where a suspect is consumed its sender has noted that it is begun, unless its session is over."""
        session = self.sender.sessions.get(address)
        if session is not None and self.wires[session].identity == batch[0].identity:
            assert session.begun == batch[1]

    @rule(address=st.sampled_from(ADDRESSES))
    def die_over_an_event(self, address: str) -> None:
        """The receiver dies over the event that it consumes next, a suspect or not."""
        receiver = self.receivers[address]
        if receiver.deliveries:
            batch = receiver.deliveries[0]
            if receiver.apart.is_turn(batch) and receiver.apart.permitted:
                session = self.sender.sessions.get(address)
                if session is not None and self.wires[session].identity == batch[0].identity:
                    self.deaths[batch[2][0].id] += 1
            self.kill(address)

    def take(self, address: str, session: ReceiveSession, number: int, parcel: wire.Delivery) -> None:
        """What a worker does, for an actor whose every event waits for another one."""
        if not parcel.redelivered:
            assert parcel.id not in self.unmarked, "of two deliveries of an event at least one is marked"
            self.unmarked.add(parcel.id)
        here = (self.receivers[address].instance, parcel.id)
        assert here not in self.consumed_at, "an instance consumes an event once"
        self.consumed_at.add(here)
        parcel.pending += 1
        outcome = outcome_of(parcel.id)
        if outcome is OUTCOMES[1]:
            parcel.tell(outcome)
        parcel.number, parcel.session = number, session
        if parcel.early is not None:
            parcel.tell_early()
        self.work[address].append(parcel)

    @rule(count=st.integers(1, 4))
    def flow(self, count: int) -> None:
        """Events get as far as they come; nothing comes back yet."""
        self.put(count)
        self.everybody_listens()
        self.dispatch()
        for address in ADDRESSES:
            self.deliver(address, True)
            self.consume(address, True)

    def everybody_listens(self) -> None:
        self.dispatch()
        for address in ADDRESSES:
            self.deliver(address, True)
            self.answer(address)
            self.hear(address, True)

    @rule(address=st.sampled_from(ADDRESSES), which=st.integers(0, 50))
    def finish(self, address: str, which: int) -> None:
        work = self.work[address]
        if work:
            parcel = work.pop(which % len(work))
            self.finished.add(parcel.id)
            outcome = outcome_of(parcel.id)
            if outcome is not None:
                parcel.tell(outcome)
            settle(parcel)

    @rule(address=st.sampled_from(ADDRESSES))
    def answer(self, address: str) -> None:
        receiver = self.receivers[address]
        receiver.write_acks()
        replies, receiver.replies = receiver.replies, []
        by_identity = {one.identity: one for one in self.wires.values()}
        for identity, frame in replies:
            if identity in by_identity:
                by_identity[identity].back.append(frame)
            else:
                receiver.gone(identity)

    @rule(address=st.sampled_from(ADDRESSES), many=st.booleans())
    def hear(self, address: str, many: bool) -> None:
        session = self.sender.sessions.get(address)
        if session is None:
            return
        queue = self.wires[session].back
        for _ in range(len(queue) if many else min(1, len(queue))):
            trouble = self.sender.on_frame(session, queue.popleft())
            assert not trouble, trouble

    @rule(address=st.sampled_from(ADDRESSES))
    def disconnect(self, address: str) -> None:
        """The connection breaks; everything under way in both directions is lost. The receiver does not notice."""
        session = self.sender.sessions.get(address)
        if session is None:
            return
        begun = session.find(session.begun)
        if begun is not None:
            self.begun_when_lost[begun.id] += 1
        del self.wires[session]
        self.sender.lost(session)
        if session.listed:
            self.open(address)

    @rule(address=st.sampled_from(ADDRESSES))
    def kill(self, address: str) -> None:
        """The receiver dies with all that it held, and another instance starts at its address."""
        self.work[address].clear()
        self.receivers[address] = self.new_receiver(address)
        self.disconnect(address)

    @rule(addresses=st.lists(st.sampled_from(ADDRESSES), min_size=1, unique=True))
    def relist(self, addresses: list[str]) -> None:
        self.listen(addresses)

    @rule(address=st.sampled_from(ADDRESSES))
    def drain(self, address: str) -> None:
        self.receivers[address].drain()

    # --- what must always be true -----------------------------------------------------------------------------------

    @invariant()
    def no_window_is_exceeded(self) -> None:
        for session in self.sender.sessions.values():
            assert session.credit >= 0
            assert session.sent - session.consumed <= WINDOW
        for receiver in self.receivers.values():
            assert "overrun" not in receiver.rejected
            assert sum(len(parcels) for _, _, parcels, _ in receiver.deliveries) <= WINDOW * max(1, self.sessions)

    @invariant()
    def nothing_is_acknowledged_twice_or_before_it_is_finished(self) -> None:
        for id_, entry in self.entries.items():
            assert entry.released <= 1
            assert not entry.released or id_ in self.finished

    @invariant()
    def what_became_of_an_event_is_known_when_it_is_finished(self) -> None:
        for id_, entry in self.entries.items():
            outcome = outcome_of(id_)
            assert all(one == outcome for one in entry.told)
            assert not entry.released or outcome is None or entry.told

    @invariant()
    def what_is_not_acknowledged_is_still_held(self) -> None:
        held = {parcel.id for parcel in self.sender.pending} | {item[0].id for item in self.sender.suspects.items}
        for session in self.sender.sessions.values():
            held.update(item[0].id for item in session.ledger)
        missing = [id_ for id_, entry in self.entries.items() if not entry.released and id_ not in held]
        assert not missing

    @invariant()
    def only_what_was_begun_is_counted(self) -> None:
        waiting = [*self.sender.pending, *(item[0] for item in self.sender.suspects.items)]
        for parcel in waiting:
            if isinstance(parcel.redelivered, Suspicion):
                assert parcel.redelivered.count <= 1 + self.begun_when_lost[parcel.id]
                assert parcel.redelivered.count >= self.deaths[parcel.id]
            else:
                assert not self.deaths[parcel.id]

    @invariant()
    def a_peer_has_one_suspect_at_a_time(self) -> None:
        for session in self.sender.sessions.values():
            suspects = [parcel for parcel, _ in session.ledger if isinstance(parcel.redelivered, Suspicion)]
            not_begun = [parcel for parcel in suspects if (session.instance, parcel.id) not in self.consumed_at]
            assert len(not_begun) <= 1

    @precondition(lambda self: self.entries)
    @rule()
    def everything_ends_well(self) -> None:
        """When the network heals and receivers work, every event is acknowledged."""
        for address in ADDRESSES:
            if self.receivers[address].draining:
                self.kill(address)
        self.listen(ADDRESSES)
        for _ in range(1000):
            self.dispatch()
            for address in ADDRESSES:
                self.deliver(address, True)
                self.consume(address, True)
                while self.work[address]:
                    self.finish(address, 0)
                self.answer(address)
                self.hear(address, True)
            if self.sender.idle:
                break
        assert self.sender.idle
        assert all(entry.released == 1 for entry in self.entries.values())
