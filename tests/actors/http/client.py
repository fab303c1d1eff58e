"""A raw HTTP client, and a server to talk to."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gevent import socket
from gevent.event import Event as Flag

from actorkit import Event
from actorkit.testing import Answer, Harness
from actorkit_actors.http.http_server import HTTPServer

Start = Callable[..., Harness[HTTPServer]]


def echo(event: Event, outbox: str | None) -> Event:
    """The graph behind the server: what comes goes back."""
    return event


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a server on a free port; closed at the end of the test."""
    started = []

    def one(answer: Answer | None = echo, outboxes: tuple[str, ...] = ("echo",), **params: Any) -> Harness[HTTPServer]:
        params.setdefault("host", "127.0.0.1")
        harness = Harness(HTTPServer, name="web", outboxes=outboxes, answer=answer, port=0, **params)
        started.append(harness)
        return harness

    yield one
    for harness in started:
        harness.close()
        assert (figure(harness, "connections"), figure(harness, "waiting")) == (0, 0)


def figure(harness: Harness[HTTPServer], name: str) -> float:
    """The value of one of the server's metrics."""
    (value,) = [one.value for one in harness.actor.figures() if one.name == f"actorkit_http_{name}"]
    return value


def refused(harness: Harness[HTTPServer]) -> dict[str, float]:
    """How many clients the server has turned away, by reason."""
    return {one.label_value: one.value for one in harness.actor.figures() if one.name == "actorkit_http_refused"}


class Client:
    """A client that sees every byte."""

    def __init__(self, harness: Harness[HTTPServer]) -> None:
        self.sock = socket.create_connection(("127.0.0.1", harness.actor.port), timeout=10)
        self._unread = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Hang up so that the server hears of it: a client that only stops sending may still read."""
        raw = socket.socket(fileno=os.dup(self.sock.fileno()))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raw.close()

    def send(self, data: bytes) -> Client:
        self.sock.sendall(data)
        return self

    def response(self, head: bool = False) -> tuple[int, list[tuple[str, str]], bytes]:
        """(status, headers with lower-case names, body) of the next response."""
        while b"\r\n\r\n" not in self._unread:
            self._more()
        lines, _, self._unread = self._unread.partition(b"\r\n\r\n")
        status, *rest = lines.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in rest)]
        length = 0 if head else int(dict(headers).get("content-length", 0))
        while len(self._unread) < length:
            self._more()
        body, self._unread = self._unread[:length], self._unread[length:]
        return int(status.split()[1]), headers, body

    def _more(self) -> None:
        data = self.sock.recv(65536)
        assert data, f"the server hung up after {self._unread!r}"
        self._unread += data

    def ended(self) -> bool:
        return not self._unread and self.sock.recv(1) == b""


def request(
    target: str = "/echo", body: bytes = b"", method: str = "POST", version: str = "1.1", **headers: str
) -> bytes:
    given = {"host": "test", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body:
        given.setdefault("content-length", str(len(body)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {target} HTTP/{version}\r\n{lines}\r\n".encode("latin-1") + body


def ask(harness: Harness[HTTPServer], data: bytes) -> tuple[int, dict[str, str], bytes]:
    with Client(harness) as client:
        status, headers, body = client.send(data).response()
    return status, dict(headers), body


def seen(harness: Harness[HTTPServer]) -> Event:
    """The one event that the server has made."""
    [event] = harness.taken()
    return event


class Slow:
    """A graph that answers when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.go = Flag()

    def __call__(self, event: Event, outbox: str | None) -> Event:
        self.begun += 1
        try:
            self.go.wait()
        except BaseException:
            self.cancelled += 1
            raise
        return event
