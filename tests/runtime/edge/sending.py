"""A sender without sockets, and short names for what goes in and what stands in its frames."""

from __future__ import annotations

from collections import defaultdict

from actorkit import JSONEvent
from actorkit.edge import wire
from actorkit.edge.outcome import Outcome
from actorkit.edge.peers import Peers
from actorkit.edge.send_session import SendSession
from actorkit.edge.sender import Sender
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel
from actorkit.graph import Options
from actorkit.host.connectors import sender_class


class Entry:
    """Stands for what waits for an event: counts its end, and keeps what it was told."""

    def __init__(self) -> None:
        self.pending = 0
        self.finished = 0
        self.told: list[Outcome] = []

    def done(self) -> None:
        self.finished += 1

    def tell(self, outcome: Outcome, /) -> None:
        self.told.append(outcome)


def sender(options: Options) -> Sender:
    peers = Peers(("tcp://down:1",), "up", options)
    return sender_class(peers)("t", "up", "up-1", "down", peers)


def welcome(made: Sender, address: str) -> SendSession:
    session = made.open(address)
    made.on_frame(session, wire.encode(wire.Welcome(wire.VERSION, "down", address, made.peers.options.window)))
    made.frames.clear()
    made.follow([*made.sessions])
    return session


def put(made: Sender, count: int = 1, key: str = "") -> Entry:
    entry = Entry()
    for _ in range(count):
        event = JSONEvent({"key": key})
        made.put(Parcel(new_id(), 1, *event.encoded(), b""), entry, event)
    return entry


def sent(made: Sender) -> dict[str, list[str]]:
    """What stands in the frames: address → keys, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for session, frame in made.frames:
        message = wire.decode_from_sender(frame)
        assert isinstance(message, wire.Batch)
        found[session.address] += [JSONEvent.received(parcel).data["key"] for parcel in message.parcels]
    made.frames.clear()
    return dict(found)


def acknowledge(made: Sender, session: SendSession) -> None:
    made.on_frame(session, wire.encode(wire.Ack(session.sent, session.sent)))
