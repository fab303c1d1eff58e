"""tcp-in and tcp-out, with plain sockets as their peers, and with each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
import trustme
from gevent import socket
from gevent.server import StreamServer
from hypothesis import given
from hypothesis import strategies as st

from actorkit import Event
from actorkit import params as parameters
from actorkit.errors import MalformedEvent
from actorkit.testing import Harness
from actorkit_actors.net.framing import Framing, FramingParams, TooLong
from actorkit_actors.net.tcp_in import TcpIn
from actorkit_actors.net.tcp_out import TcpOut
from tests.ports import free_port
from tests.until import until

FRAMINGS: list[dict[str, Any]] = [
    {"framing": "line"},
    {"framing": "delimiter", "delimiter": "<end>"},
    {"framing": "length"},
    {"framing": "length", "length_bytes": 2},
]


@pytest.mark.parametrize("params", FRAMINGS)
@given(st.lists(st.binary(max_size=60)), st.integers(1, 40))
def test_messages_come_as_they_were_sent_however_the_bytes_are_cut(
    params: dict[str, Any], messages: list[bytes], step: int
) -> None:
    given_params = FramingParams(**params)
    one, other = Framing(given_params), Framing(given_params)
    messages = [message.replace(b"\n", b"").replace(b"\r", b"").replace(b"<end>", b"") for message in messages]
    stream = b"".join(one.frame(message) for message in messages)
    found = [made for at in range(0, len(stream), step) for made in other.feed(stream[at : at + step])]
    assert found == messages
    assert other.incomplete == 0


@pytest.mark.parametrize("params", FRAMINGS)
def test_longer_messages_than_allowed_are_refused_before_they_are_there(params: dict[str, Any]) -> None:
    framing, free = Framing(FramingParams(max_event_bytes=5, **params)), Framing(FramingParams(**params))
    found: list[bytes] = []
    with pytest.raises(TooLong):
        found.extend(framing.feed(free.frame(b"12345") + free.frame(b"x" * 50)[:-8]))
    assert found in ([b"12345"], [])
    with pytest.raises(MalformedEvent):
        framing.frame(b"123456")


def test_a_body_that_would_be_two_messages_is_refused() -> None:
    with pytest.raises(MalformedEvent, match="take framing: length"):
        Framing(FramingParams()).frame(b"one\ntwo")


def server(answer: Any = None, **params: Any) -> Harness[TcpIn]:
    return Harness(TcpIn, answer=answer, host="127.0.0.1", port=free_port(), **params)


def dialled(harness: Harness[TcpIn]) -> Any:
    return socket.create_connection(("127.0.0.1", harness.actor.params.port), 10)


def test_lines_of_a_plain_peer_become_events() -> None:
    with server() as harness, dialled(harness) as peer:
        peer.sendall(b"one\r\nzw\xc3\xb6lf\n\xff\xfe\nhalf")
        events: list[Event] = []
        until(lambda: events.extend(harness.taken()) or len(events) == 3, "they come")  # type: ignore[func-returns-value]
        assert [event.data for event in events] == ["one", "zwölf", b"\xff\xfe"]
        assert str(events[0].get("peer")).startswith("127.0.0.1:")


def test_a_peer_is_answered_in_turn_and_let_go_when_its_message_failed() -> None:
    def answer(event: Event, outbox: str | None) -> Event | None:
        if event.data == "bad":
            raise MalformedEvent("bad")
        return None if event.data == "nothing" else event.replace(f"<{event.data}>")

    with server(answer, reply=True) as harness, dialled(harness) as peer:
        peer.sendall(b"one\nnothing\ntwo\nbad\nthree\n")
        with peer.makefile("rb") as answers:
            assert answers.read() == b"<one>\n\n<two>\n"


def has_been_let_go(peer: Any) -> bool:
    try:
        return bool(peer.recv(1) == b"")
    except ConnectionError:
        return True


def test_a_peer_that_sends_too_much_or_nothing_is_let_go_and_others_are_served() -> None:
    with server(max_event_bytes=10, idle_timeout_s=0.2) as harness:
        with dialled(harness) as peer, dialled(harness) as idle:
            peer.sendall(b"x" * 100_000)
            assert idle.recv(1) == b""
            until(lambda: has_been_let_go(peer), "it is closed or reset")
        with dialled(harness) as other:
            other.sendall(b"fine\n")
            until(lambda: [event.data for event in harness.taken()] == ["fine"], "it is served")


def shown(certificate: trustme.LeafCert) -> dict[str, Any]:
    """A certificate as parameters of the side that shows it."""
    return {
        "certfile": b"".join(part.bytes() for part in certificate.cert_chain_pems).decode(),
        "keyfile": certificate.private_key_pem.bytes().decode(),
    }


def pem(ca: trustme.CA) -> str:
    return ca.cert_pem.bytes().decode()


def test_both_speak_tls_and_a_stranger_is_not_believed() -> None:
    ca, strangers = trustme.CA(), trustme.CA()
    params = shown(ca.issue_cert("127.0.0.1"))

    def answer(event: Event, outbox: str | None) -> Event:
        return event.replace(f"<{event.data}>")

    with server(answer, reply=True, **params) as harness:
        to: dict[str, Any] = {"host": "127.0.0.1", "port": harness.actor.params.port, "reply": True, "timeout_s": 10}
        with Harness(TcpOut, **to, tls=True, ca=pem(ca)) as client:
            client.put(Event("one"), Event("two"))
            assert [event.data for event in client.taken()] == ["<one>", "<two>"]
        for wrong in ({"tls": True, "ca": pem(strangers)}, {"tls": False}):
            with Harness(TcpOut, **to, **wrong) as client:
                client.put(Event("no greeting of TLS"))
                assert [event.failure.status for event in client.errors if event.failure] == [503]


def test_with_client_ca_a_peer_needs_a_certificate_whose_name_events_have() -> None:
    ca, clients, strangers = trustme.CA(), trustme.CA(), trustme.CA()
    params = shown(ca.issue_cert("127.0.0.1"))

    def answer(event: Event, outbox: str | None) -> Event:
        return event.replace(event.get("client"))

    with server(answer, reply=True, client_ca=pem(clients), **params) as harness:
        to: dict[str, Any] = {"host": "127.0.0.1", "port": harness.actor.params.port, "reply": True, "timeout_s": 10}
        to |= {"tls": True, "ca": pem(ca)}
        for certificate, name in (
            (clients.issue_cert("shop.example"), "shop.example"),
            (clients.issue_cert("shop.example", common_name="the shop"), "the shop"),
        ):
            with Harness(TcpOut, **to, **shown(certificate)) as client:
                client.put(Event("one"))
                assert [event.data for event in client.taken()] == [name]
        for wrong in ({}, shown(strangers.issue_cert("shop.example"))):
            with Harness(TcpOut, **to, **wrong) as client:
                client.put(Event("who are you?"))
                assert [event.failure.status for event in client.errors if event.failure] == [503]


@pytest.mark.parametrize(
    ("cls", "given", "path", "says"),
    [
        (TcpIn, {"client_ca": "x"}, "certfile", "needs both"),
        (TcpIn, {"certfile": "x"}, "certfile", "needs both"),
        (
            TcpIn,
            {**shown(trustme.CA().issue_cert("a")), "client_ca": "x"},
            "client_ca",
            "the authorities cannot be used",
        ),
        (TcpOut, {"host": "a", "port": 1, "tls": True, "ca": "x"}, "ca", "the authorities"),
        (TcpOut, {"host": "a", "port": 1, "tls": True, "certfile": "x", "keyfile": "y"}, "certfile", "cannot be used"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_found_before_anything_starts(
    cls: Any, given: dict[str, Any], path: str, says: str
) -> None:
    [problem] = cls.check(parameters.build(cls.Params, given))
    assert problem.path == path
    assert says in problem.message


@contextmanager
def listener(serve: Any) -> Iterator[int]:
    made = StreamServer(("127.0.0.1", 0), serve)
    made.start()
    try:
        yield made.server_port
    finally:
        made.stop(timeout=0)


def test_a_connection_is_kept_and_made_anew_when_the_peer_has_closed_it() -> None:
    came: list[list[bytes]] = []

    def serve(connection: Any, address: Any) -> None:
        came.append([])
        with connection.makefile("rb") as lines:
            for line in lines:
                came[-1].append(line)
                if len(came[-1]) == 2:
                    break
        connection.close()

    with listener(serve) as port, Harness(TcpOut, host="127.0.0.1", port=port) as client:
        client.put(Event("one"), Event("two"))
        until(lambda: came == [[b"one\n", b"two\n"]], "both come over one connection")
        client.put(Event({"n": 3}))
        until(lambda: came[1:] == [[b'{"n":3}\n']], "the third comes over another one")
        assert len(client.taken()) == 3
        assert client.errors == []


@pytest.mark.parametrize(("reply", "status"), [(b"", 503), (None, 504), (b"y" * 100, 503)])
def test_an_event_fails_when_the_peer_does_not_answer(reply: bytes | None, status: int) -> None:
    def serve(connection: Any, address: Any) -> None:
        connection.recv(100)
        if reply is None:
            gevent.sleep(30)  # longer than the actor waits
        connection.sendall(reply)
        connection.close()

    with listener(serve) as port:
        with Harness(TcpOut, host="127.0.0.1", port=port, reply=True, timeout_s=0.3, max_event_bytes=50) as client:
            client.put(Event("one"))
            assert [event.failure.status for event in client.errors if event.failure] == [status]


def test_a_peer_that_is_not_there_fails_the_event() -> None:
    with Harness(TcpOut, host="127.0.0.1", port=free_port()) as client:
        client.put(Event("one"))
        assert [event.failure.status for event in client.errors if event.failure] == [503]
