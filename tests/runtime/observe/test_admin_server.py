"""The admin server, in threads and under gevent: it answers whoever asks, whatever strangers do beside."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from actorkit.observe.admin import Pages
from actorkit.observe.admin_server import MAX_CONNECTIONS, MAX_HEAD_BYTES, AdminServer
from tests.fleet import PYTHONPATH, Fleet, fetch
from tests.until import until


def pages(missing: str = "") -> Pages:
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc(3)
    return Pages(registry, lambda: missing)


def answer(pages: Pages, head: bytes) -> bytes:
    return b"".join(pages.answer(head))


def head_of(response: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    head, _, content = response.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    return line, dict(field.split(b": ", 1) for field in fields), content


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x", b"200 OK"),
        (b"GET /healthz?x=1 HTTP/1.0", b"200 OK"),
        (b"GET /readyz HTTP/1.1", b"503 Service Unavailable"),
        (b"GET / HTTP/1.1", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET /metrics HTTP/2.0", b"400 Bad Request"),
        (b"GET http://a/metrics HTTP/1.1", b"400 Bad Request"),
        (b"GET", b"400 Bad Request"),
        (b"", b"400 Bad Request"),
        (b"\xff\x00\x80 /\xff HTTP/1.1", b"404 Not Found"),
    ],
)
def test_every_request_has_its_answer(request_: bytes, status: bytes) -> None:
    line, fields, content = head_of(answer(pages("no peer"), request_))
    assert line == b"HTTP/1.1 " + status
    assert int(fields[b"Content-Length"]) == len(content)
    assert fields[b"Connection"] == b"close"


def test_head_has_the_length_and_no_content_and_accept_chooses_the_format() -> None:
    _, fields, content = head_of(answer(pages(), b"HEAD /metrics HTTP/1.1"))
    assert (int(fields[b"Content-Length"]) > 50, content) == (True, b"")
    _, fields, content = head_of(answer(pages(), b"GET /metrics HTTP/1.1\r\naCCept: application/openmetrics-text"))
    assert fields[b"Content-Type"].startswith(b"application/openmetrics-text")
    assert b"things_total 3.0\n" in content
    assert content.endswith(b"# EOF\n")


def test_what_a_process_tells_besides_is_json() -> None:
    told = Pages(CollectorRegistry(), str, {"/scale": lambda: {"execute": 812}})
    _, fields, content = head_of(answer(told, b"GET /scale HTTP/1.1"))
    assert (fields[b"Content-Type"], content) == (b"application/json", b'{"execute":812}\n')
    assert answer(pages(), b"GET /scale HTTP/1.1").startswith(b"HTTP/1.1 404 ")


def test_a_page_that_fails_is_500(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> str:
        raise ValueError("no")

    assert answer(Pages(CollectorRegistry(), fails), b"GET /readyz HTTP/1.1").startswith(b"HTTP/1.1 500 ")
    assert "/readyz failed" in caplog.text


@pytest.fixture
def server() -> Iterator[AdminServer]:
    made = AdminServer(("127.0.0.1", 0), pages(), request_timeout_s=0.3)
    made.start()
    yield made
    made.stop()


def ask(server: AdminServer, sent: bytes) -> bytes:
    """All that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_that_does_not_come_in_time_is_ended(server: AdminServer) -> None:
    assert ask(server, b"GET /healthz HT").startswith(b"HTTP/1.1 408 ")


def test_a_request_that_comes_in_drops_has_no_more_time_than_another(server: AdminServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.settimeout(0.05)
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    if connection.recv(100):
                        break
        connection.settimeout(10)
        until(lambda: fetch(f"http://127.0.0.1:{server.port}/healthz")[0] == 200, "others are served")


def test_a_head_without_end_is_ended(server: AdminServer) -> None:
    assert ask(server, b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * (MAX_HEAD_BYTES // 6)).startswith(b"HTTP/1.1 431 ")


def test_strangers_that_hold_connections_open_keep_no_probe_out() -> None:
    server = AdminServer(("127.0.0.1", 0), pages(), request_timeout_s=60)
    server.start()
    with contextlib.ExitStack() as stack:
        for _ in range(5 * MAX_CONNECTIONS):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            stranger.sendall(b"GET /")
        for _ in range(20):
            assert fetch(f"http://127.0.0.1:{server.port}/readyz")[0] == 200
        server.stop()


def test_an_actor_answers_beside_strangers_that_hold_connections_open(fleet: Fleet) -> None:
    actor = fleet.start("pass", "tests.probes:Pass")
    until(lambda: actor.admin, "the admin server is there")
    port = int(actor.admin.rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        for _ in range(5 * MAX_CONNECTIONS):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            stranger.sendall(b"GET /")
        until(actor.ready, "it is ready")
        for _ in range(20):
            assert fetch(f"{actor.admin}/metrics")[0] == 200
    assert actor.stop() == 0


def test_under_gevent_requests_are_greenlets() -> None:
    script = """
from gevent import monkey; monkey.patch_all()
import threading, urllib.request
from prometheus_client import CollectorRegistry
from actorkit.observe.admin import Pages
from actorkit.observe.admin_server import AdminServer
server = AdminServer(("127.0.0.1", 0), Pages(CollectorRegistry(), lambda: ""))
server.start()
print(urllib.request.urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=5).read().decode().strip())
server.stop()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env={"PYTHONPATH": PYTHONPATH}
    )
    assert (done.stdout, done.stderr) == ("ready\n", "")
