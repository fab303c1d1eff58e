"""The admin server: a small HTTP server that nobody can hold up. Threads; in an actor's process they are greenlets."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from http import HTTPStatus
from typing import Final

from actorkit.observe.admin import Pages, response

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
        """Answer one request. Whatever the client does, or does not do, it is over soon."""
        with contextlib.suppress(OSError), connection:
            try:
                answer = self._read(connection)
                connection.settimeout(ANSWER_TIMEOUT_S)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(LINGER_S)
                connection.recv(MAX_HEAD_BYTES)  # Closed with something unread, it would take the answer with it.
            finally:
                with self._lock:
                    self._connections.pop(connection, None)

    def _read(self, connection: socket.socket) -> bytes:
        """The answer to what the client asks.

        Raises:
            OSError: it asks for nothing.
        """
        deadline = time.monotonic() + self._request_timeout_s
        head = b""
        while b"\r\n\r\n" not in head:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return response(HTTPStatus.REQUEST_TIMEOUT)
            connection.settimeout(left_s)
            try:
                part = connection.recv(4096)
            except TimeoutError:
                return response(HTTPStatus.REQUEST_TIMEOUT)
            if not part:
                raise ConnectionError("the client has hung up")
            head += part
            if len(head) > MAX_HEAD_BYTES:
                return response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return self._pages.answer(head.partition(b"\r\n\r\n")[0])


def _hang_up(connection: socket.socket) -> None:
    """Wake whoever waits for it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
