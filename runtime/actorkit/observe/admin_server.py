"""The admin server: a small HTTP server that nobody can hold up. Threads; in an actor's process they are greenlets."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final

from actorkit.observe.admin import Pages, Response, write_response

log = logging.getLogger("actorkit.admin")

#: Connections at a time. A further one takes the place of the oldest, which has had time enough to say what it wants.
MAX_CONNECTIONS: Final = 32

#: Longest request, without its body, in bytes.
MAX_HEAD_BYTES: Final = 16 << 10

#: How long a request may take to come, and its answer to be taken, in seconds each.
REQUEST_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 10.0

#: How long a client may take to hang up after its answer, in seconds; what it still sends is thrown away.
LINGER_S: Final = 0.5

#: Pause before connections are accepted again where there was no file descriptor for one, in seconds.
PAUSE_S: Final = 0.1


class AdminServer:
    """Serves the pages at an address: one request a connection. `start()` binds, `stop()` ends it."""

    def __init__(
        self,
        address: tuple[str, int],
        pages: Pages,
        max_connections: int = MAX_CONNECTIONS,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> None:
        self._address = address
        self._family = family
        self._pages = pages
        self._max_connections = max_connections
        self._request_timeout_s = request_timeout_s
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        #: The oldest first.
        self._connections: dict[socket.socket, None] = {}
        self._stopped = False

    @property
    def port(self) -> int:
        """The port that it is bound to."""
        return int(self._listener.getsockname()[1]) if self._listener is not None else self._address[1]

    def start(self) -> None:
        """Bind, and begin to serve.

        Raises:
            OSError: the address cannot be bound.
        """
        self._listener = socket.create_server(self._address, family=self._family, backlog=128)
        threading.Thread(target=self._accept, args=(self._listener,), name="admin", daemon=True).start()

    def stop(self) -> None:
        """Accept nothing more and end what is open."""
        self._stopped = True
        if self._listener is not None:
            _hang_up(self._listener)
            self._listener.close()
        with self._lock:
            for connection in self._connections:
                _hang_up(connection)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopped:
            try:
                connection, _ = listener.accept()
            except OSError as exc:
                if not self._stopped:
                    log.warning("the admin server cannot accept a connection: %s", exc.strerror)
                    time.sleep(PAUSE_S)
                continue
            with self._lock:
                if len(self._connections) >= self._max_connections:
                    oldest = next(iter(self._connections))
                    del self._connections[oldest]
                    _hang_up(oldest)
                self._connections[connection] = None
            threading.Thread(target=self._serve, args=(connection,), name="admin request", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """Response one request. Whatever the client does, or does not do, it is over soon."""
        with contextlib.suppress(OSError), connection:
            try:
                _send(connection, self._read(connection))
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(LINGER_S)
                connection.recv(MAX_HEAD_BYTES)  # Closed with something unread, it would take the answer with it.
            finally:
                with self._lock:
                    self._connections.pop(connection, None)

    def _read(self, connection: socket.socket) -> Iterable[bytes]:
        """The answer to what the client asks, in pieces.

        Raises:
            OSError: it asks for nothing.
        """
        deadline = time.monotonic() + self._request_timeout_s
        head = b""
        while b"\r\n\r\n" not in head:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return [write_response(Response(status=HTTPStatus.REQUEST_TIMEOUT))]
            connection.settimeout(left_s)
            try:
                part = connection.recv(4096)
            except TimeoutError:
                return [write_response(Response(status=HTTPStatus.REQUEST_TIMEOUT))]
            if not part:
                raise ConnectionError("the client has hung up")
            head += part
            if len(head) > MAX_HEAD_BYTES:
                return [write_response(Response(status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))]
        head, _, begun = head.partition(b"\r\n\r\n")
        return self._pages.answer(head, _body_reader(connection, head, begun, self._request_timeout_s))


def _body_reader(connection: socket.socket, head: bytes, begun: bytes, timeout_s: float) -> Callable[[int], bytes]:
    """What reads the body of a request, of which `begun` has come already. Each part of it has `timeout_s` seconds."""

    def read(length: int) -> bytes:
        body = bytearray(begun[:length])
        if len(body) < length and b"100-continue" in head.lower():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(body) < length:
            connection.settimeout(timeout_s)
            part = connection.recv(min(65536, length - len(body)))
            if not part:
                raise ConnectionError("the client has hung up")
            body += part
        return bytes(body)

    return read


def _send(connection: socket.socket, parts: Iterable[bytes]) -> None:
    """Send the pieces of an answer as they come; none is asked for any more when the client has gone.

    Raises:
        OSError: it has, or does not take them.
    """
    try:
        for part in parts:
            if not part and _has_gone(connection):
                return
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.sendall(part)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()


def _has_gone(connection: socket.socket) -> bool:
    """Whether the client has hung up; what it says besides is thrown away."""
    connection.settimeout(0)
    try:
        return not connection.recv(MAX_HEAD_BYTES)
    except BlockingIOError:
        return False


def _hang_up(connection: socket.socket) -> None:
    """Wake whoever waits for it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
