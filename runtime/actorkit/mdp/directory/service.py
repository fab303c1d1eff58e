"""The registration service: where brokers announce themselves, and clients and workers ask who is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import zmq
from prometheus_client.registry import Collector
from zmq.backend import Socket

from actorkit.mdp.directory.metrics import DirectoryCollector
from actorkit.mdp.directory.state import Directory
from actorkit.mdp.options import SETTLE_S
from actorkit.mdp.server import RouterServer
from actorkit.transport.keys import ServerKeys

#: Longest frame, in bytes.
MAX_FRAME_BYTES: Final = 64 * 1024

#: How long the loop waits for a message before it looks whether it was stopped, in milliseconds.
TICK_MS: Final = 100


class RegistrationService(RouterServer):
    """A Directory behind a ROUTER. It is always ready: its listing says itself whether it can be relied on.

    It may be restarted, or run several times over: brokers announce themselves to every one, and clients ask all.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        settle_s: float = SETTLE_S,
        keys: ServerKeys | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("the registration service", endpoint, keys, clock)
        self.directory = Directory(clock(), settle_s)
        self.collector: Collector = DirectoryCollector(lambda: self.directory, clock)

    def __repr__(self) -> str:
        return f"<RegistrationService at {self.bound_endpoint or self.endpoint}: {self.directory!r}>"

    def members(self) -> Mapping[str, Any]:
        """The endpoints of the brokers that are there."""
        return {"brokers": self.directory.endpoints(self._clock())}

    def _configure(self, socket: Socket) -> None:
        socket.set(zmq.RCVTIMEO, TICK_MS)
        socket.set(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)

    def _serve(self, socket: Socket) -> None:
        while not self._stopping:
            try:
                peer, *frames = _receive(socket)
            except zmq.Again:
                continue
            answer = self.directory.receive(frames, self._clock())
            if answer:
                self._send(socket, [peer, *answer])

    def _send(self, socket: Socket, message: Sequence[bytes]) -> None:
        try:
            for part in message[:-1]:
                socket.send(part, zmq.SNDMORE | zmq.NOBLOCK)
            socket.send(message[-1], zmq.NOBLOCK)
        except zmq.ZMQError as exc:
            if exc.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            self.directory.errors["client_gone"] += 1


def _receive(socket: Socket) -> list[bytes]:
    """Wait for a message.

    Raises:
        zmq.Again: none came in time.
    """
    part = socket.recv(0, False)
    frames = [part.bytes]
    while part.more:
        part = socket.recv(0, False)
        frames.append(part.bytes)
    return frames
