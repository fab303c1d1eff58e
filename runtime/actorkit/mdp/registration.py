"""The registration service: where brokers announce themselves, and clients and workers ask who is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import zmq
from prometheus_client.registry import Collector

from actorkit.errors import SettingsError
from actorkit.mdp.directory import Directory
from actorkit.mdp.doorman import Doorman
from actorkit.mdp.keys import ServerKeys
from actorkit.mdp.metrics import DirectoryCollector

log = logging.getLogger(__name__)

#: Longest message, in bytes.
MAX_MESSAGE_BYTES = 64 * 1024


class RegistrationService:
    """A ROUTER around a Directory, on a plain blocking loop. `run()` blocks until `stop()`, from any thread.

    It may be restarted, or run several times over: brokers announce themselves to every one, and clients ask all.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        settle_s: float = 5.0,
        keys: ServerKeys | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self.directory = Directory(clock(), settle_s)
        self.collector: Collector = DirectoryCollector(lambda: self.directory, clock)
        self._clock = clock
        self._keys = keys
        self._doorman: Doorman | None = None
        self._stopping = False
        self._context: zmq.Context[Any] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._bound: str | None = None

    def __repr__(self) -> str:
        return f"<RegistrationService at {self._bound or self.endpoint}: {self.directory!r}>"

    @property
    def bound_endpoint(self) -> str | None:
        """The endpoint with its real port; None before `bind()`."""
        return self._bound

    def bind(self) -> str:
        """Open and bind the socket; return the endpoint with its real port. Raises SettingsError if it cannot."""
        if self._socket is None:
            self._open()
        return self._bound or self.endpoint

    def run(self) -> None:
        """Serve until stopped; then the socket is closed."""
        socket = self._socket or self._open()
        log.info("registration service serves at %s", self._bound)
        try:
            while not self._stopping:
                try:
                    frames = socket.recv_multipart()
                except zmq.Again:
                    continue
                answer = self.directory.receive(frames[1:], self._clock())
                if answer:
                    try:
                        socket.send_multipart([frames[0], *answer], zmq.NOBLOCK)
                    except zmq.ZMQError as exc:
                        if exc.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                            raise
                        self.directory.errors["client_gone"] += 1
        finally:
            self._close()

    def stop(self) -> None:
        """Ask `run()` to return; it hears of it within a tenth of a second."""
        self._stopping = True

    def unready(self) -> str:
        """Tell why its listing cannot be relied on now; never, as it says so itself."""
        return ""

    def _open(self) -> zmq.Socket[bytes]:
        self._context = zmq.Context()
        self._socket = socket = self._context.socket(zmq.ROUTER)
        socket.linger = 0
        socket.setsockopt(zmq.RCVTIMEO, 100)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        try:
            if self._keys is not None:
                self._doorman = Doorman(self._context, self._keys.allowed)
                self._keys.apply(socket)
            socket.bind(self.endpoint)
        except SettingsError:
            self._close()
            raise
        except zmq.ZMQError as exc:
            self._close()
            raise SettingsError(
                f'the registration service cannot bind "{self.endpoint}": {exc}. Choose a free endpoint.'
            ) from exc
        self._bound = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        return socket

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close(0)
        if self._doorman is not None:
            self._doorman.close()
        if self._context is not None:
            self._context.term()
        self._socket = self._context = self._doorman = None
