"""An outbox whose address answers with something else than the peer that is meant, at once or after a while: it stays
calm, says so once, and goes on when the right peer is there."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
import zmq
from gevent.server import StreamServer

from actorkit.edge.connector import Connector
from actorkit.edge.ledger import Root
from actorkit.edge.listener import Listener
from actorkit.edge.peers import Peers
from actorkit.edge.receiver import MAX_SESSIONS, Receiver
from actorkit.edge.sender import Sender
from actorkit.errors import SettingsError
from actorkit.event import Event
from actorkit.event.parcel import Parcel
from tests.ports import free_port
from tests.until import until

Context = zmq.Context[zmq.Socket[bytes]]


class Stranger(Protocol):
    """Something that has a port."""

    @property
    def close(self) -> Callable[[], object]: ...


class Inbox:
    """The inbox of an actor, alone: its acknowledgements are sent, and what comes is counted."""

    def __init__(
        self,
        context: Context,
        endpoint: str,
        topology: str = "t",
        actor: str = "down",
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        self.receiver = Receiver(topology, actor, f"{actor}-1", max_sessions=max_sessions)
        self._context = context
        found = until(lambda: self._bind(endpoint), "a socket that was closed has given its port free")
        assert found is not None
        self._listener = found
        self.endpoint = self._listener.endpoint

    def _bind(self, endpoint: str) -> Listener | None:
        try:
            return Listener(self._context, endpoint, self.receiver, lambda: self._listener.flush())
        except SettingsError:
            return None

    @property
    def taken(self) -> int:
        return sum(self.receiver.inboxes.values())

    def drain(self) -> None:
        self.receiver.drain()
        self._listener.flush()

    def close(self) -> None:
        self._listener.close()


class Outbox:
    """One connection to an endpoint, alone."""

    def __init__(
        self,
        context: Context,
        endpoint: str,
        welcome_s: float = 10.0,
        addresses: Callable[[str], list[str]] | None = None,
    ) -> None:
        self.sender = Sender("t", "up", "up-1", "next", Peers.parse(f"{endpoint}#up"))
        self._connector = Connector(
            context, self.sender, lambda: self._connector.flush(), addresses=addresses, welcome_s=welcome_s
        )

    def send(self) -> None:
        self.sender.put(Parcel(self.sender.sent + 1, 0, "n", b"", b""), Root(lambda: None), Event())
        self._connector.flush()

    def close(self) -> None:
        self._connector.close()


def hangs_up(_: Context, port: int) -> Stranger:
    return _server(port, lambda sock, _: sock.close())


def http_server(_: Context, port: int) -> Stranger:
    def answer(sock: socket.socket, _: object) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        sock.close()

    return _server(port, answer)


def itself(_: Context, port: int) -> Stranger:
    """As a TCP connection to a port of its own machine where nobody listens can be: it hears what it says."""

    def answer(sock: socket.socket, _: object) -> None:
        while data := sock.recv(1000):
            sock.sendall(data)

    return _server(port, answer)


def pull(context: Context, port: int) -> Stranger:
    """A ZeroMQ socket of a type that no DEALER may talk to."""
    made = context.socket(zmq.PULL)
    made.linger = 0
    made.bind(f"tcp://127.0.0.1:{port}")
    return made


def other_topology(context: Context, port: int) -> Stranger:
    return Inbox(context, f"tcp://127.0.0.1:{port}", topology="other")


def other_actor(context: Context, port: int) -> Stranger:
    return Inbox(context, f"tcp://127.0.0.1:{port}", actor="another")


def _server(port: int, handle: Callable[[socket.socket, object], object]) -> Stranger:
    server = StreamServer(("127.0.0.1", port), handle)
    server.start()
    made: Stranger = server
    return made


@pytest.fixture
def context() -> Iterator[Context]:
    with zmq.Context() as made:
        yield made


@pytest.fixture
def port() -> int:
    return free_port()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def stays_calm(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    """It tries again, not more often than a few times a second, and says so once."""
    begun, tried = time.monotonic(), outbox.sender.reconnects
    until(lambda: outbox.sender.reconnects >= tried + 3, "it tries again")
    assert time.monotonic() - begun > 0.5, "it tries without a pause"
    (said,) = warnings(caplog)
    assert said.startswith("outbox next: tcp://127.0.0.1:")


@pytest.mark.parametrize("stranger", [hangs_up, http_server, itself, pull, other_topology])
def test_an_outbox_whose_port_is_a_strangers_stays_calm_until_the_right_peer_has_it(
    stranger: Callable[[Context, int], Stranger], context: Context, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    other = stranger(context, port)
    outbox = Outbox(context, f"tcp://127.0.0.1:{port}")
    outbox.send()
    stays_calm(outbox, caplog)
    other.close()
    inbox = Inbox(context, f"tcp://127.0.0.1:{port}")
    until(lambda: inbox.taken == 1, "what waited has come")
    outbox.close()
    inbox.close()


@pytest.mark.parametrize("stranger", [hangs_up, http_server, pull, other_topology, other_actor])
def test_an_outbox_whose_port_has_become_a_strangers_stays_calm_until_the_right_peer_is_back(
    stranger: Callable[[Context, int], Stranger], context: Context, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox(context, f"tcp://127.0.0.1:{port}")
    outbox = Outbox(context, f"tcp://127.0.0.1:{port}")
    until(lambda: outbox.sender.connected, "they have met")
    inbox.close()
    until(lambda: not outbox.sender.connected, "it is gone")
    other = stranger(context, port)
    outbox.send()
    stays_calm(outbox, caplog)
    other.close()
    back = Inbox(context, f"tcp://127.0.0.1:{port}")
    until(lambda: back.taken == 1, "what waited has come")
    outbox.close()
    back.close()


def test_an_outbox_whose_peer_takes_everything_and_says_nothing_tells_so_once(
    context: Context, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As a broker of MajorDomo does: it drops what is no message of its own."""
    with context.socket(zmq.ROUTER) as broker:
        broker.linger = 0
        broker.bind(f"tcp://127.0.0.1:{port}")
        outbox = Outbox(context, f"tcp://127.0.0.1:{port}", welcome_s=0.1)
        outbox.send()
        until(lambda: warnings(caplog), "it is told")
    inbox = Inbox(context, f"tcp://127.0.0.1:{port}")
    until(lambda: inbox.taken == 1, "what waited has come")
    (said,) = warnings(caplog)
    assert said.endswith("no Welcome for 0.1 s: the peer is busy, or something else has the port")
    outbox.close()
    inbox.close()


def test_a_peer_that_restarts_is_met_again_at_once_and_no_warning_tells_of_it(
    context: Context, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(context, f"tcp://127.0.0.1:{port}")
    for _ in range(3):
        inbox = Inbox(context, f"tcp://127.0.0.1:{port}")
        until(lambda: outbox.sender.connected, "they have met")
        inbox.close()
        until(lambda: not outbox.sender.connected, "it is gone")
    assert not warnings(caplog)
    outbox.close()


def test_an_outbox_that_is_refused_for_want_of_room_does_not_wait_longer_each_time(context: Context, port: int) -> None:
    inbox = Inbox(context, f"tcp://127.0.0.1:{port}", max_sessions=0)
    outbox = Outbox(context, inbox.endpoint)
    # With pauses that double, the seventh would be over after half a minute.
    until(lambda: inbox.receiver.rejected.get("crowded", 0) >= 7, "it is refused again and again", 20)
    outbox.send()
    inbox.close()
    roomy = Inbox(context, f"tcp://127.0.0.1:{port}")
    until(lambda: roomy.taken == 1, "what waited has come")
    outbox.close()
    roomy.close()


def test_an_outbox_whose_peer_drains_looks_for_another_one_at_once(context: Context, port: int) -> None:
    """An address that is none of a name is looked up when there is a reason, and not again and again."""
    first, second = Inbox(context, f"tcp://127.0.0.1:{port}"), Inbox(context, f"tcp://127.0.0.1:{free_port()}")
    there, looks = [first.endpoint], list[int]()

    def addresses(_: str) -> list[str]:
        looks.append(outbox.sender.connected)
        return list(there)

    outbox = Outbox(context, first.endpoint, addresses=addresses)
    try:
        until(lambda: 1 in looks, "the first one is met, and it is looked no more")
        there.append(second.endpoint)
        first.drain()
        until(lambda: second.endpoint in outbox.sender.sessions, "the second one is looked up")
        outbox.send()
        until(lambda: second.taken == 1, "it gets what is sent from now on")
        assert first.taken == 0
    finally:
        outbox.close()
        first.close()
        second.close()
