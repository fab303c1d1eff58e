"""The registration service: where brokers announce themselves, and clients and workers ask who is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import zmq
from prometheus_client.registry import Collector
from zmq.backend import Socket

from actorkit.mdp.directory.metrics import DirectoryCollector
from actorkit.mdp.directory.state import Directory
from actorkit.mdp.router import BoundRouter
from actorkit.transport.keys import ServerKeys

log = logging.getLogger(__name__)

#: Longest frame, in bytes.
MAX_FRAME_BYTES: Final = 64 * 1024

#: How long the loop waits for a message before it looks whether it was stopped, in milliseconds.
TICK_MS: Final = 100


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
        self._stopping = False
        self._router: BoundRouter | None = None
        self._bound: str | None = None

    def __repr__(self) -> str:
        return f"<RegistrationService at {self._bound or self.endpoint}: {self.directory!r}>"

    @property
    def bound_endpoint(self) -> str | None:
        """The endpoint with its real port; None before `bind()`."""
        return self._bound

    def bind(self) -> str:
        """Open and bind the socket; return the endpoint with its real port. Raises SettingsError if it cannot."""
        return self._open().bound

    def run(self) -> None:
        """Serve until stopped; then the socket is closed."""
        router = self._open()
        log.info("registration service serves at %s", router.bound)
        try:
            while not self._stopping:
                try:
                    peer, *frames = _receive(router.socket)
                except zmq.Again:
                    continue
                answer = self.directory.receive(frames, self._clock())
                if answer:
                    self._send(router.socket, [peer, *answer])
        finally:
            router.close()
            self._router = None

    def stop(self) -> None:
        """Ask `run()` to return; it hears of it within a tenth of a second."""
        self._stopping = True

    def unready(self) -> str:
        """Tell why its listing cannot be relied on now; never, as it says so itself."""
        return ""

    def _open(self) -> BoundRouter:
        if self._router is None:
            self._router = BoundRouter("the registration service", self.endpoint, self._keys, _configure)
            self._bound = self._router.bound
        return self._router

    def _send(self, socket: Socket, message: Sequence[bytes]) -> None:
        try:
            for part in message[:-1]:
                socket.send(part, zmq.SNDMORE | zmq.NOBLOCK)
            socket.send(message[-1], zmq.NOBLOCK)
        except zmq.ZMQError as exc:
            if exc.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            self.directory.errors["client_gone"] += 1


def _configure(socket: Socket) -> None:
    socket.set(zmq.RCVTIMEO, TICK_MS)
    socket.set(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)


def _receive(socket: Socket) -> list[bytes]:
    """Wait for a message. Raises zmq.Again when none comes in time."""
    part = socket.recv(0, False)
    frames = [part.bytes]
    while part.more:
        part = socket.recv(0, False)
        frames.append(part.bytes)
    return frames
