"""Every metric of http-server is made to move, and has the value that docs/actors/http-server.md says it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from gevent import socket
from gevent.event import Event as Flag

from actorkit import Actor, Event
from actorkit.director import Director
from actorkit.host.metrics import HostCollector
from actorkit_actors.http.http_server import HTTPServer
from tests.actors.http.client import request
from tests.runtime.observe.reading import Moved, documented, value
from tests.until import until

MOVED = Moved()

BUDGET_BYTES = 8 << 20
BODY_BYTES = 1 << 20


class Waits(Actor):
    """Gives an event back when it is told to."""

    def setup(self) -> None:
        self.go_on = Flag()

    def consume(self, event: Event) -> Event:
        self.go_on.wait()
        return event


@dataclass(frozen=True)
class Site:
    """A server and the actor behind it."""

    metrics: HostCollector
    port: int
    go_on: Flag

    def client(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@pytest.fixture
def site() -> Iterator[Site]:
    director = Director("test")
    routes = [{"path": "/<queue>"}]
    web = director.register_actor(
        HTTPServer, "web", host="127.0.0.1", port=0, routes=routes, memory_bytes=BUDGET_BYTES, max_requests=1
    )
    waits = director.register_actor(Waits, "waits")
    director.connect_queue(web, waits)
    director.connect_queue(waits, web)
    director.start(block=False)
    try:
        director.wait_ready()
        server, behind = director.host("web").actor, director.host("waits").actor
        assert isinstance(server, HTTPServer)
        assert isinstance(behind, Waits)
        yield Site(HostCollector(director.host("web"), "1.2.3"), server.port, behind.go_on)
    finally:
        director.stop(0)


@MOVED.by("actorkit_http_connections")
def test_connections_are_counted_while_they_are_open(site: Site) -> None:
    with site.client(), site.client():
        until(lambda: value(site.metrics, "actorkit_http_connections") >= 2, "both are there")
        MOVED.expect(site.metrics, "actorkit_http_connections", 2)
    until(lambda: not value(site.metrics, "actorkit_http_connections"), "none is left")


@MOVED.by("actorkit_http_waiting", "actorkit_http_held_bytes", "actorkit_http_budget_bytes")
@MOVED.by("actorkit_http_responses_total")
def test_a_request_waits_is_held_and_is_answered(site: Site) -> None:
    MOVED.expect(site.metrics, "actorkit_http_budget_bytes", BUDGET_BYTES)
    with site.client() as client:
        client.sendall(request("/waits", b"x" * BODY_BYTES))
        until(lambda: value(site.metrics, "actorkit_http_waiting"), "it waits")
        MOVED.expect(site.metrics, "actorkit_http_waiting", 1)
        MOVED.expect_at_least(site.metrics, "actorkit_http_held_bytes", BODY_BYTES)
        MOVED.expect(site.metrics, "actorkit_http_responses_total", 0)
        site.go_on.set()
        assert client.recv(16).startswith(b"HTTP/1.1 200")
    MOVED.expect(site.metrics, "actorkit_http_responses_total", 1, status="200")
    MOVED.expect(site.metrics, "actorkit_http_waiting", 0)
    until(lambda: not value(site.metrics, "actorkit_http_held_bytes"), "nothing is held")


@MOVED.by("actorkit_http_refused_total")
def test_a_client_that_is_turned_away_is_counted_by_reason(site: Site) -> None:
    with site.client() as first, site.client() as second:
        first.sendall(request("/waits"))
        until(lambda: value(site.metrics, "actorkit_http_waiting"), "one waits, and there may be no more")
        second.sendall(request("/waits"))
        assert second.recv(16).startswith(b"HTTP/1.1 503")
        site.go_on.set()
        assert first.recv(16).startswith(b"HTTP/1.1 20")
    MOVED.expect(site.metrics, "actorkit_http_refused_total", 1, reason="requests")
    MOVED.expect(site.metrics, "actorkit_http_refused_total", 1)


def test_every_documented_metric_was_made_to_move() -> None:
    assert documented("actors/http-server.md") == MOVED.names
