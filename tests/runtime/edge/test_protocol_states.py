"""The tables of states of docs/protocol.md are what both ends of an edge do: each row is run."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from actorkit.edge import outcome, wire
from actorkit.edge.admission import MAX_STRIKES, Admission
from actorkit.edge.ledger import Root
from actorkit.edge.peers import Peers
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.receiver import Receiver
from actorkit.edge.send_session import SendSession
from actorkit.edge.sender import Sender
from actorkit.edge.suspects import LOST
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.event.parcel import Parcel, Suspicion, Waiter
from actorkit.graph import Options
from tests.doc_tables import Row, states, told
from tests.places import DOCS

TEXT = (DOCS / "protocol.md").read_text()


MESSAGES: tuple[type[msgspec.Struct], ...] = (*wire.FromSender.__args__, *wire.FromReceiver.__args__)


def names(frames: list[bytes]) -> str:
    """What stands in a table for these frames."""
    letters = {cls.__struct_config__.tag: cls.__name__ for cls in MESSAGES}
    return ", ".join(letters[msgspec.msgpack.decode(one)[0]] for one in frames) or "–"


def parcel(instance: str = "") -> Parcel:
    return Parcel(1, 0, "n", b"", b"", {"down": Waiter(instance, b"k")} if instance else None)


class SenderEnd:
    """A sender with one session, brought to a state."""

    def __init__(self, state: str) -> None:
        self.busy = True
        peers = Peers(("tcp://a:1",), "up", Options(window=2))
        self.sender = Sender("t", "up", "up-1", "down", peers, busy=lambda: self.busy)
        self.session: SendSession | None = None
        if state != "none":
            self.listed()
        if state not in ("none", "greeting"):
            self.hears(wire.Welcome(wire.VERSION, "down", "down-1", 2))
        if state == "draining":
            self.hears(wire.Drain())
        if state == "parted":
            self.sender.say_bye()
        assert self.state() == state
        self.sender.frames.clear()

    def listed(self) -> None:
        for address in self.sender.follow(["tcp://a:1"]):
            self.session = self.sender.open(address)

    def hears(self, message: object) -> None:
        assert self.session is not None
        if self.sender.on_frame(self.session, wire.encode(message)):
            self.breaks()

    def breaks(self) -> None:
        assert self.session is not None
        self.sender.lost(self.session)

    def puts(self, count: int = 1, instance: str = "") -> None:
        for _ in range(count):
            self.sender.put(parcel(instance), Root(lambda: None), Event())
        self.sender.dispatch(0.0)

    def another_peer(self) -> None:
        other = self.sender.open("tcp://b:1")
        self.sender.on_frame(other, wire.encode(wire.Welcome(wire.VERSION, "down", "down-2", 2)))
        self.sender.frames.clear()

    def meets_another(self) -> None:
        self.another_peer()
        self.hears(wire.Welcome(wire.VERSION, "other", "other-1", 2))

    def out_of_credit(self) -> None:
        self.puts(2)
        self.sender.frames.clear()
        self.puts()

    def drains(self) -> None:
        self.sender.draining = True

    def state(self) -> str:
        if self.session is None:
            return "none"
        if self.sender.sessions.get(self.session.address) is not self.session:
            return "lost"
        if self.session.bye:
            return "parted"
        return "draining" if self.session.draining else "open" if self.session.instance else "greeting"

    def sent(self) -> str:
        return names([bytes(one) for session, one in self.sender.frames if session is self.session])


def _after(*steps: Callable[[SenderEnd], object]) -> Callable[[SenderEnd], None]:
    def run(end: SenderEnd) -> None:
        for step in steps:
            step(end)

    return run


def _something_is_unacknowledged(end: SenderEnd) -> None:
    end.puts(instance="down-1")
    end.sender.frames.clear()


DRAINS, ANOTHER = SenderEnd.drains, SenderEnd.another_peer
FAILED = outcome.Failed(Failure("NotFound", "no", 404))
OTHER_WELCOME = wire.Welcome(wire.VERSION + 1, "down", "down-1", 2)
SENDER_EVENTS: dict[str, Callable[[SenderEnd], object]] = {
    "an address is listed": SenderEnd.listed,
    "Welcome": lambda end: end.hears(wire.Welcome(wire.VERSION, "down", "down-1", 2)),
    "Welcome of another version": lambda end: end.hears(OTHER_WELCOME),
    "Welcome of another actor than before": lambda end: end.meets_another(),
    "Refuse": lambda end: end.hears(wire.Refuse("no")),
    "events are pending, and there is credit": SenderEnd.puts,
    "events are pending, and there is no credit": SenderEnd.out_of_credit,
    "events are pending": SenderEnd.puts,
    "Ack": lambda end: end.hears(wire.Ack(0, 0)),
    "Outcomes": lambda end: end.hears(wire.Outcomes([(1, FAILED)])),
    "Begin of a number": lambda end: end.hears(wire.Begin(1)),
    "Begin of 0": lambda end: end.hears(wire.Begin(0)),
    "End": lambda end: end.hears(wire.End(0, "stopped")),
    "Drain": lambda end: end.hears(wire.Drain()),
    "Drain, while this instance drains and has unfinished events": _after(DRAINS, lambda end: end.hears(wire.Drain())),
    "a frame that is no message": lambda end: end.hears("no message"),
    "the connection breaks": SenderEnd.breaks,
    "this instance ends, nothing is unacknowledged": lambda end: end.sender.say_bye(),
    "events are pending, while this instance drains": _after(DRAINS, SenderEnd.puts),
    "an answer for this very instance is pending": lambda end: end.puts(instance="down-1"),
    "another peer is there, something is unacknowledged": _after(
        ANOTHER, _something_is_unacknowledged, lambda end: end.sender.dispatch(0.0)
    ),
    "another peer is there, nothing is unacknowledged": _after(ANOTHER, lambda end: end.sender.dispatch(0.0)),
}


@pytest.mark.parametrize("row", states(TEXT, "**The sender's end**"), ids=told)
def test_a_sender_does_what_its_table_says(row: Row) -> None:
    state, event, sends, after = row
    end = SenderEnd(state)
    SENDER_EVENTS[event](end)
    assert (end.sent(), end.state()) == (sends, after)


def test_a_lost_session_gives_back_what_was_not_acknowledged_in_front_and_marked() -> None:
    end = SenderEnd("open")
    end.out_of_credit()
    end.breaks()
    given_back = [parcel.redelivered for parcel, _ in end.sender.suspects.items]
    assert given_back == [Suspicion(1, [LOST])] * 2
    assert [one.redelivered for one in end.sender.pending] == [False]


class ReceiverEnd:
    """A receiver with one session, brought to a state."""

    def __init__(self, state: str) -> None:
        self.receiver = Receiver("t", "down", "down-1", max_sessions=2)
        self.session: ReceiveSession | None = None
        if state != "none":
            self.hears(self.hello())
            self.session = self.receiver.sessions[b"1"]
        if state == "draining":
            self.receiver.drain()
        assert self.state() == state
        self.receiver.replies.clear()

    @staticmethod
    def hello(topology: str = "t", instance: str = "up-1", outbox: str = "down") -> wire.Hello:
        return wire.Hello(wire.VERSION, topology, "up", instance, outbox, "up", 2)

    def hears(self, message: object, identity: bytes = b"1") -> None:
        self.receiver.on_frame(identity, wire.encode(message))

    def is_crowded(self, busy: int = 2) -> None:
        """As many other sessions as there may be, so many of them with unfinished events."""
        for number in range(2 - len(self.receiver.sessions)):
            self.hears(self.hello(instance=f"other-{number}"), b"other-%d" % number)
            if number < busy:
                self.hears(wire.Outgoing(1, [parcel()]), b"other-%d" % number)
        self.receiver.replies.clear()

    def is_full(self) -> None:
        """The sender's instance has as many sessions as it may have."""
        self.receiver = Receiver("t", "down", "down-1", admission=Admission(max_peer_sessions=1))
        self.hears(self.hello(outbox="other"), b"other")

    def is_shut_out(self) -> None:
        for _ in range(MAX_STRIKES):
            self.hears("no message")
        self.receiver.replies.clear()

    def consumes(self) -> None:
        self.hears(wire.Outgoing(1, [parcel()]))
        assert self.session is not None
        self.session.consume(1)
        self.session.finish(1)
        self.receiver.write_acks()

    def consumes_with_an_outcome(self) -> None:
        assert self.session is not None
        self.session.tell(1, FAILED)
        self.consumes()

    def asks(self) -> None:
        self.hears(wire.Outgoing(1, [Parcel(1, 0, "n", b"", b"", None, Suspicion(1))], True))
        self.receiver.apart.ask()

    def consumes_a_suspect(self) -> None:
        self.asks()
        self.hears(wire.Go(1))
        self.receiver.replies.clear()
        self.receiver.apart.end(self.receiver.deliveries.popleft())

    def drains(self) -> None:
        self.receiver.draining = True

    def state(self) -> str:
        if b"1" not in self.receiver.sessions:
            return "none"
        return "draining" if self.receiver.draining else "open"

    def sent(self) -> str:
        return names([one for identity, one in self.receiver.replies if identity == b"1"])


def _hears(message: object) -> Callable[[ReceiverEnd], None]:
    return lambda end: end.hears(message)


def _crowded(busy: int) -> Callable[[ReceiverEnd], None]:
    def run(end: ReceiverEnd) -> None:
        end.is_crowded(busy)
        end.hears(end.hello())

    return run


def _full(end: ReceiverEnd) -> None:
    end.is_full()
    end.hears(end.hello())


def _no_room(end: ReceiverEnd) -> None:
    end.receiver._max_bytes = 0
    end.hears(wire.Outgoing(1, [Parcel(1, 1, "b", b"x" * 6000, b"")]))
    assert end.sent() == "–", "one message there is always room for"
    end.hears(wire.Outgoing(2, [Parcel(2, 1, "b", b"x" * 6000, b"")]))


def _shut_out(end: ReceiverEnd) -> None:
    end.is_shut_out()
    end.hears(end.hello())


def _another_crowds(end: ReceiverEnd) -> None:
    end.is_crowded()
    end.hears(end.hello(instance="late"), b"late")


def _hello_while_draining(end: ReceiverEnd) -> None:
    end.drains()
    end.hears(end.hello())


RECEIVER_EVENTS: dict[str, Callable[[ReceiverEnd], object]] = {
    "Hello": _hears(ReceiverEnd.hello()),
    "Hello of the same sender": _hears(ReceiverEnd.hello()),
    "Hello, while this instance drains": _hello_while_draining,
    "Hello of another version or topology": _hears(ReceiverEnd.hello(topology="other")),
    "Hello, with as many sessions as there may be, all with unfinished events": _crowded(2),
    "Hello, with as many sessions as there may be, one with nothing unfinished": _crowded(1),
    "Hello, from an instance with as many sessions as it may have": _full,
    "anything, after eight messages that were no good": _shut_out,
    "Hello of another sender, with as many sessions as there may be, nothing unfinished here": _another_crowds,
    "Batch": _hears(wire.Outgoing(1, [parcel()])),
    "Batch that follows, within the window": _hears(wire.Outgoing(1, [parcel(), parcel()])),
    "Batch with a gap": _hears(wire.Outgoing(2, [parcel()])),
    "Batch beyond the window": _hears(wire.Outgoing(1, [parcel()] * 3)),
    "Batch for whose bytes there is no room": _no_room,
    "Bye": _hears(wire.Bye()),
    "Stay": _hears(wire.Stay()),
    "Go": _hears(wire.Go(1)),
    "a suspect is about to be consumed": ReceiverEnd.asks,
    "a suspect was consumed": ReceiverEnd.consumes_a_suspect,
    "the process ends": lambda end: end.receiver.end("stopped"),
    "a frame that is no message": _hears("no message"),
    "events were consumed or finished": ReceiverEnd.consumes,
    "an outcome of an event is known, and the event is finished": ReceiverEnd.consumes_with_an_outcome,
    "the sender is gone": lambda end: end.receiver.gone(b"1"),
    "this instance begins to drain": lambda end: end.receiver.drain(),
    "this instance asks again": lambda end: end.receiver.drain(),
}


@pytest.mark.parametrize("row", states(TEXT, "**The receiver's end**"), ids=told)
def test_a_receiver_does_what_its_table_says(row: Row) -> None:
    state, event, sends, after = row
    end = ReceiverEnd(state)
    RECEIVER_EVENTS[event](end)
    assert (end.sent(), end.state()) == (sends, after)


def test_every_message_stands_in_the_table_of_the_end_that_hears_it() -> None:
    for heading, union in (("**The sender's end**", wire.FromReceiver), ("**The receiver's end**", wire.FromSender)):
        told = {event.split()[0].rstrip(",") for _, event, _, _ in states(TEXT, heading)}
        assert {cls.__name__ for cls in union.__args__} <= told
