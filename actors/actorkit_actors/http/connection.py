"""One HTTP/1.1 connection: requests in, responses out, in order (RFC 9112)."""

from __future__ import annotations

import logging
import socket
import time
from collections import deque
from typing import Any, Final, Protocol

import gevent
import httptools
from gevent.socket import SHUT_WR

from actorkit_actors.http import media, message
from actorkit_actors.http.message import Request, Response

_log = logging.getLogger(__name__)

#: How much is read at a time, in bytes.
READ_BYTES: Final = 65536

#: Most headers that a request may have.
MAX_HEADERS: Final = 100

#: How long a connection is read on after a refusal, so that the client sees the answer instead of a reset, in seconds.
LINGER_S: Final = 2.0

_ESTABLISHED: Final = 1


class Gone(gevent.GreenletExit):  # type: ignore[misc]  # gevent has no types
    """Thrown into the greenlet of a connection whose client has hung up."""


class Expired(gevent.GreenletExit):  # type: ignore[misc]  # as above
    """Thrown into the greenlet of a connection whose client took too long."""


class Limits(Protocol):
    """What the parameters of the server say about connections."""

    @property
    def idle_timeout_s(self) -> float: ...

    @property
    def max_body_bytes(self) -> int: ...

    @property
    def max_header_bytes(self) -> int: ...


class Handler(Protocol):
    """What a connection asks of its server."""

    @property
    def draining(self) -> bool:
        """Whether this is the last response on every connection."""

    def respond(self, request: Request, remote: str) -> Response:
        """Answer a request; never raises for what the request says."""


class _Refused(Exception):
    """Raised inside a callback of the parser to stop it; the reason stands in the connection."""


class Connection:
    """Serves one client. `remote` is the client's address; the socket is closed at the end of `serve`."""

    def __init__(self, sock: Any, remote: str, handler: Handler, limits: Limits) -> None:
        self._sock = sock
        self._remote = remote
        self._handler = handler
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[Request] = deque()
        self._request: Request | None = None
        self._in_head = False
        self._size = 0
        self._head_bytes = 0
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._continue = False
        self._refusal: tuple[int, str] | None = None
        self._open = True
        self._busy = False
        self._greenlet: Any = None
        loop = gevent.get_hub().loop
        self._watch = loop.io(sock.fileno(), 1)
        self._recheck = loop.timer(1.0, 1.0)
        #: When the connection is given up, in seconds of the monotonic clock; infinite while an answer is awaited.
        self.deadline = time.monotonic() + limits.idle_timeout_s

    @property
    def idle(self) -> bool:
        """Whether no request has begun to arrive or waits for its answer."""
        return not self._busy and self._request is None and not self._in_head and not self._requests

    def __repr__(self) -> str:
        state = "idle" if self.idle else "answering" if self._busy else "reading"
        return f"<Connection {self._remote} {state}>"

    def expire(self) -> None:
        """Give the connection up. Called from another greenlet."""
        if self._greenlet is not None:
            self._greenlet.kill(Expired, block=False)

    def serve(self) -> None:
        """Read requests and write responses until one side has enough."""
        self._greenlet = gevent.getcurrent()
        try:
            self._serve()
        except Expired:
            if not self.idle and not self._busy:
                self._refuse(408, "the request did not come in time")
        except Gone:
            _log.debug("%s hung up before its answer", self._remote)
        except OSError as exc:
            _log.debug("%s: %s", self._remote, exc)
        finally:
            for watcher in (self._watch, self._recheck):
                watcher.stop()
                watcher.close()
            self._sock.close()

    def _serve(self) -> None:
        receive, requests = self._sock.recv, self._requests
        while self._open:
            data = receive(READ_BYTES)
            if not data:
                return
            self._feed(data)
            while requests and self._open:
                self._answer(requests.popleft())
            if self._refusal is not None:
                if self._open:
                    self._refuse(*self._refusal)
                return
            if self._continue:
                self._continue = False
                self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._decline_upgrade(data[exc.args[0] :])
        except httptools.HttpParserError as exc:
            self._refusal = self._refusal or (400, f"the request is not HTTP/1.1: {exc}")
        if self._in_head and self._refusal is None:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.max_header_bytes + READ_BYTES:
                self._refusal = (431, self._too_large_head())

    def _decline_upgrade(self, rest: bytes) -> None:
        """Nothing is upgraded here: the request is served as it is (RFC 9110 §7.8), and is the last of its connection.

        The parser ends at the head of such a request and takes no body; another one gets the head without the wish.
        """
        request = self._requests.pop()
        kept = {
            name: value for name, value in request.headers.items() if name not in ("upgrade", "connection", "expect")
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
        head = f"{request.method} {request.target.decode('latin-1')} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
        self._parser = httptools.HttpRequestParser(self)
        self._continue = "expect" in request.headers and not rest
        self._feed(head.encode("latin-1") + rest)

    def _answer(self, request: Request) -> None:
        self._busy = True
        self.deadline = float("inf")
        self._watch.start(self._readable)
        try:
            response = self._handler.respond(request, self._remote)
        finally:
            self._watch.stop()
            self._recheck.stop()
        self._open = request.keep_alive and not self._handler.draining
        data = message.write(response, keep_alive=self._open, version=request.version, head=request.method == "HEAD")
        self.deadline = time.monotonic() + self._limits.idle_timeout_s
        # gevent's sendall asks for the size of the send buffer each time, a sixth of all work on small responses.
        sent = self._sock.send(data)
        if sent < len(data):
            self._sock.sendall(memoryview(data)[sent:])
        self._busy = False

    def _readable(self) -> None:
        """Something came while an answer is awaited: an end, or the next request, which has to wait."""
        if self._hung_up():
            self._greenlet.kill(Gone, block=False)
        else:
            self._watch.stop()
            self._recheck.start(self._look_again)

    def _look_again(self) -> None:
        if self._hung_up():
            self._greenlet.kill(Gone, block=False)

    def _hung_up(self) -> bool:
        """Whether the client has closed its side; TCP knows it even while unread data stands before the end."""
        try:
            state: bytes = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        except OSError:
            return True
        return state[0] != _ESTABLISHED

    def _refuse(self, status: int, reason: str) -> None:
        """Answer what is not a request that can be served, and close without a reset."""
        media_type, body = media.write_errors(self._headers, [reason])
        response = Response(status, body, media_type)
        try:
            with gevent.Timeout(LINGER_S, False):
                self._sock.sendall(message.write(response, keep_alive=False))
                self._sock.shutdown(SHUT_WR)
                while self._sock.recv(READ_BYTES):
                    pass
        except OSError as exc:
            _log.debug("%s: %s", self._remote, exc)

    # What httptools calls while it parses.

    def on_message_begin(self) -> None:
        self._in_head = True
        self._size = self._head_bytes = 0
        self._target = b""
        self._headers = {}
        self.deadline = time.monotonic() + self._limits.idle_timeout_s

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > self._limits.max_header_bytes:
            self._stop(414, f"the address is longer than {self._limits.max_header_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        self._size += len(name) + len(value) + 4
        if self._size > self._limits.max_header_bytes or len(headers) >= MAX_HEADERS:
            self._stop(431, self._too_large_head())
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        if key not in headers:
            headers[key] = text
        elif key == "host":
            self._stop(400, "the request has two Host headers")
        else:
            headers[key] = f"{headers[key]}{'; ' if key == 'cookie' else ', '}{text}"

    def _too_large_head(self) -> str:
        return f"the headers are more than {MAX_HEADERS}, or {self._limits.max_header_bytes} bytes"

    def on_headers_complete(self) -> None:
        headers = self._headers
        version = self._parser.get_http_version()
        request = Request(self._parser.get_method().decode("latin-1"), self._target, version, headers)
        if version == "1.1" and "host" not in headers:
            self._stop(400, "the request has no Host header")
        if int(headers.get("content-length") or 0) > self._limits.max_body_bytes:
            self._stop(413, self._too_large_body())
        if "expect" in headers:
            if headers["expect"].lower() != "100-continue":
                self._stop(417, "only 100-continue can be expected")
            self._continue = version == "1.1"
        self._in_head = False
        self._size = 0
        self._body = []
        self._request = request

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limits.max_body_bytes:
            self._stop(413, self._too_large_body())
        self._body.append(data)
        self._continue = False

    def _too_large_body(self) -> str:
        return f"the body is larger than {self._limits.max_body_bytes} bytes"

    def on_message_complete(self) -> None:
        request = self._request
        if request is None:
            self._stop(400, "the request has no headers")
            return
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        request.keep_alive = self._parser.should_keep_alive()
        self._body = []
        self._continue = False
        self._request = None
        self._requests.append(request)

    def _stop(self, status: int, reason: str) -> None:
        self._refusal = (status, reason)
        raise _Refused(reason)
