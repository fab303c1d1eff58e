"""Both ends of an edge without sockets, brought to a state of docs/protocol.md: what they hear, and what they sent."""

from __future__ import annotations

import msgspec

from actorkit.edge import outcome, wire
from actorkit.edge.admission import MAX_STRIKES, Admission
from actorkit.edge.ledger import Root
from actorkit.edge.peers import Peers
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.receiver import Receiver
from actorkit.edge.send_session import SendSession
from actorkit.edge.sender import Sender
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.event.parcel import Parcel, Suspicion, Waiter
from actorkit.graph import Options

#: What became of an event.
FAILED = outcome.Failed(Failure("NotFound", "no", 404))

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

    def is_welcomed_late(self) -> None:
        """The peer said Drain before it said Welcome."""
        self.session = self.sender.open("tcp://a:1")
        self.hears(wire.Drain())
        self.sender.frames.clear()
        self.hears(wire.Welcome(wire.VERSION, "down", "down-1", 2))

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


class ReceiverEnd:
    """A receiver with one session, brought to a state."""

    def __init__(self, state: str) -> None:
        self.receiver = Receiver("t", "down", "down-1", max_sessions=2, max_bytes=10_000)
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
