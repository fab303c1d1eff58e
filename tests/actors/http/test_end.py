"""http-server over real sockets: hang-ups, TLS and the end."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import gevent
import pytest
from gevent.ssl import SSLContext

from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.http.http_server import LINGER_S, HTTPServer
from tests.actors.http.client import Client, Slow, Start, echo, figure, request
from tests.until import until


def test_a_client_that_hangs_up_frees_its_request(start: Start) -> None:
    slow = Slow()
    harness = start(slow)
    with Client(harness) as client:
        client.send(request())
        until(lambda: slow.begun == 1)
        assert figure(harness, "waiting") == 1
        client.reset()
    until(lambda: figure(harness, "waiting") == 0)
    assert slow.cancelled == 1
    until(lambda: figure(harness, "connections") == 0)


def test_a_client_that_hangs_up_behind_a_pipelined_request_is_noticed(start: Start) -> None:
    slow = Slow()
    harness = start(slow)
    with Client(harness) as client:
        client.send(request())
        until(lambda: slow.begun == 1)
        client.send(request())
        until(lambda: "by the clock" in repr(harness.actor))  # It has seen the second request.
        client.reset()
    until(lambda: slow.cancelled == 1)
    until(lambda: figure(harness, "connections") == 0)


def test_draining_ends_idle_connections_and_the_others_with_their_answer(start: Start) -> None:
    slow = Slow()
    harness = start(slow)
    with Client(harness) as idle, Client(harness) as busy:
        busy.send(request("/echo", b"x"))
        until(lambda: slow.begun == 1)
        harness.drain()
        assert idle.ended()
        with pytest.raises(OSError):
            Client(harness)
        slow.go.set()
        status, headers, body = busy.response()
        assert (status, dict(headers)["connection"], body) == (200, "close", b"x")
        assert busy.ended()


def test_a_connection_that_is_used_again_and_again_ends_with_an_answer_and_not_between_two(start: Start) -> None:
    slow = Slow()
    slow.go.set()
    harness = start(slow)
    with Client(harness) as client, Client(harness) as busy:
        client.send(request("/echo", b"x")).response()
        busy.send(request("/echo", b"x")).response()
        drain = gevent.spawn(harness.actor.drain)
        until(lambda: harness.actor.draining)
        for one in (client, busy):
            status, headers, _ = one.send(request("/echo", b"x")).response()
            assert (status, dict(headers)["connection"]) == (200, "close")
            assert one.ended()
        # Nobody is left that may come again, so nothing is waited for.
        drain.get(timeout=LINGER_S / 2)


def test_a_request_on_an_open_connection_while_draining_gives_503(start: Start) -> None:
    harness = start()
    with Client(harness) as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\n")
        until(lambda: "reading" in repr(harness.actor))
        harness.drain()
        status, headers, _ = client.send(b"\r\n").response()
        assert (status, dict(headers)["connection"]) == (503, "close")


def test_closing_lets_go_of_everything(start: Start) -> None:
    harness = start()
    with Client(harness) as client:
        client.send(request()).response()
        harness.close()
        assert client.ended()
    assert figure(harness, "connections") == 0


def test_a_connection_says_what_it_is_doing(start: Start) -> None:
    slow = Slow()
    harness = start(slow)

    def states() -> str:
        return repr(harness.actor)

    with Client(harness) as client:
        until(lambda: "127.0.0.1 idle" in states())
        client.send(b"POST ")
        until(lambda: "127.0.0.1 reading" in states())
        client.send(b"/echo HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: "127.0.0.1 answering" in states())
        slow.go.set()
        client.response()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost, signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


def test_tls_is_spoken_when_there_is_a_certificate(start: Start, certificate: tuple[Path, Path]) -> None:
    slow = Slow()
    harness = start(slow, certfile={"file": str(certificate[0])}, keyfile={"file": str(certificate[1])})
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate[0])
    with Client(harness) as client:
        client.sock = context.wrap_socket(client.sock, server_hostname="localhost")
        client.send(request("/echo", b"x"))
        until(lambda: slow.begun == 1)
        slow.go.set()
        assert client.response()[2] == b"x"
        slow.go.clear()
        client.send(request("/echo", b"y"))
        until(lambda: slow.begun == 2)
        client.reset()
    until(lambda: slow.cancelled == 1)
    with Client(harness) as plain:
        plain.send(request())
        with pytest.raises((ssl.SSLError, AssertionError, ConnectionError)):
            plain.response()


def test_a_certificate_that_cannot_be_used_is_told(certificate: tuple[Path, Path]) -> None:
    for files in ({"certfile": "x", "keyfile": "y"}, {"certfile": certificate[0].read_text()}):
        with pytest.raises(SettingsError, match="certfile"):
            Harness(HTTPServer, port=0, answer=echo, **files)
