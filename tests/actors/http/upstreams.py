"""Servers for clients: each request is noted and answered by a function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any, Final, NamedTuple

from actorkit import Event
from actorkit.event.context import Failure
from actorkit.testing import Harness
from actorkit_actors.http.http_client import HTTPClient

#: Where the servers are.
LOCAL: Final = ("127.0.0.0/8",)


class Asked(NamedTuple):
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Says(NamedTuple):
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}


class Upstream:
    """A server that runs."""

    def __init__(self, port: int, scheme: str) -> None:
        self.asked: list[Asked] = []
        self.url = f"{scheme}://127.0.0.1:{port}"


@contextmanager
def upstream(answer: Callable[[Asked], Says], tls: SSLContext | None = None) -> Iterator[Upstream]:
    """A server on a port of its own, in native threads."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(length))
            found.asked.append(asked)
            said = answer(asked)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if "content-length" not in said.headers:
                self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said.body)
            self.close_connection = "content-length" in said.headers

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815  # the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    found = Upstream(server.server_address[1], "https" if tls else "http")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def echo(asked: Asked) -> Says:
    """An answer with what was sent."""
    return Says(200, asked.body, {"content-type": asked.headers.get("content-type", "text/plain")})


def client(server: Upstream | str, path: str = "/", **given: Any) -> Harness[HTTPClient]:
    """An http-client of a server, which may connect to it."""
    url = server if isinstance(server, str) else server.url + path
    given.setdefault("private_networks", LOCAL)
    given.setdefault("retries", 0)
    return Harness(HTTPClient, url=url, **given)


def ask(harness: Harness[HTTPClient], event: Event) -> Event:
    """What goes on of an event that does not fail."""
    harness.put(event)
    assert [failed.failure for failed in harness.errors] == []
    [made] = harness.taken()
    return made


def failure(harness: Harness[HTTPClient], event: Event | None = None) -> Failure:
    """Why an event fails."""
    harness.put(Event("x") if event is None else event)
    [failed] = harness.errors
    assert failed.failure is not None
    return failed.failure
