"""Strangers that want the HTTP server's memory."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fleet import Fleet
from tests.hostile.report import LONG
from tests.hostile.site import CONTAINER_MB, Site
from tests.ports import free_port
from tests.until import until

MB = 1 << 20


@pytest.fixture
def site(fleet: Fleet) -> Iterator[Site]:
    made = Site(fleet, free_port())
    yield made
    until(made.answers, "it answers again", timeout_s=60)


def head(length: int, path: str = "/echo", media_type: str = "application/octet-stream") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def push(sock: socket.socket, data: bytes) -> None:
    """Send as much as is taken: the server may have had enough."""
    with contextlib.suppress(OSError):
        sock.sendall(data)


def for_seconds(seconds: float, attack: Callable[[], None]) -> int:
    """Attack again and again; returns how often."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end or not count:
        attack()
        count += 1
    return count


def test_nobody_attacks(site: Site, seconds: float) -> None:
    with site.honest():
        time.sleep(seconds)


def test_bodies_that_never_end(site: Site, seconds: float, dice: random.Random) -> None:
    part = dice.randbytes(int(7.9 * MB))
    with contextlib.ExitStack() as held, site.honest():

        def attack() -> None:
            for _ in range(15):
                sock = held.enter_context(site.client())
                push(sock, head(8 * MB) + part)

        for_seconds(seconds, attack)
    assert site.refused("memory") + site.refused("stalled") > 0


def test_bodies_that_never_end_make_room_for_one_that_does(site: Site) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(8):
            push(held.enter_context(site.client()), head(8 * MB) + b"x" * (7 * MB))

        def served() -> bool:
            return (
                b" 200 " in site.ask(head(6 * MB).replace(b"Host", b"Connection: close\r\nHost") + b"y" * (6 * MB))[:30]
            )

        until(served, "a large body is taken beside those that do not get on", 10.0)
    assert site.refused("stalled") > 0


def test_requests_that_are_unfinished_behind_a_dead_service(site: Site, seconds: float, dice: random.Random) -> None:
    body = dice.randbytes(int(3.9 * MB))
    with contextlib.ExitStack() as held, site.honest():

        def attack() -> None:
            for _ in range(300 if LONG else 30):
                push(held.enter_context(site.client()), head(len(body), "/dead") + body)

        for_seconds(seconds, attack)
    assert site.refused("memory") > 0


def test_what_is_unfinished_though_its_client_was_answered_is_held(site: Site) -> None:
    body = b"x" * (4 * MB)
    ask = head(len(body)).replace(b"Host", b"Connection: close\r\nHost") + body
    site.echo.signal(signal.SIGSTOP)
    # All at once: a peer that is silent for some seconds is given up, and what it had is then nobody's.
    with ThreadPoolExecutor(12) as asking:
        answers = {answer[:13] for answer in asking.map(site.ask, [ask] * 12)}
    held = site.web.metric("actorkit_http_held_bytes")
    assert answers <= {b"HTTP/1.1 504 ", b"HTTP/1.1 503 "}
    assert b"HTTP/1.1 504 " in answers
    # What is under way is held; what still waited to be sent when its time was over is not.
    assert 4 * MB <= held <= site.web.metric("actorkit_http_budget_bytes")
    site.echo.signal(signal.SIGCONT)
    until(lambda: site.web.metric("actorkit_http_held_bytes") == 0, "all is finished and given back")
    assert site.ask(ask)[:13] == b"HTTP/1.1 200 "


def test_answers_that_are_not_read(site: Site, seconds: float, dice: random.Random) -> None:
    body = dice.randbytes(4 * MB)
    with contextlib.ExitStack() as held, site.honest():

        def attack() -> None:
            sock = held.enter_context(site.client())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            push(sock, head(len(body)) + body)

        for_seconds(seconds * 2, attack)
    assert site.refused("unread") > 0


def test_heads_that_never_end(site: Site, seconds: float) -> None:
    part = b"POST /echo HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 300) for n in range(95))
    with contextlib.ExitStack() as held, site.honest():
        for_seconds(seconds, lambda: push(held.enter_context(site.client()), part))


def test_many_requests_at_once_on_each_connection(site: Site, seconds: float) -> None:
    many = b"POST /dead HTTP/1.1\r\nHost: a\r\n\r\n" * 1900
    with contextlib.ExitStack() as held, site.honest():
        for_seconds(seconds, lambda: push(held.enter_context(site.client()), many))


def test_bodies_in_crumbs(site: Site, seconds: float) -> None:
    crumbs = b"2\r\nab\r\n" * 200_000
    start = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with contextlib.ExitStack() as held, site.honest():
        for_seconds(seconds, lambda: push(held.enter_context(site.client()), start + crumbs))


def test_small_documents_that_are_large_in_memory(site: Site, seconds: float) -> None:
    documents = {
        "application/xml": b"<a>" + b"<a/>" * 1_900_000 + b"</a>",
        "application/json": b"[" + b"{}," * 2_500_000 + b"!",
        "application/x-www-form-urlencoded": b"a=1&" * 999 + b"b=" + b"%41" * 2_000_000,
    }
    with contextlib.ExitStack() as held, site.honest():

        def attack() -> None:
            for media_type, document in documents.items():
                push(held.enter_context(site.client()), head(len(document), "/echo", media_type) + document)

        for_seconds(seconds, attack)


def test_the_memory_comes_back(site: Site) -> None:
    from benchmarks.process import memory_mb

    before = memory_mb(site.web.popen.pid)
    with contextlib.ExitStack() as held:
        for _ in range(15):
            push(held.enter_context(site.client()), head(8 * MB) + b"x" * (2 * MB - 1))
    until(lambda: site.web.metric("actorkit_http_held_bytes") == 0, "nothing is held")
    until(lambda: memory_mb(site.web.popen.pid) < before + 20, "the memory comes back")
    assert before < CONTAINER_MB
