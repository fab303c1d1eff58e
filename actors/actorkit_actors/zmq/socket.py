"""A socket for peers of others, in gevent's loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import gevent
import zmq
from gevent.event import Event as Flag

from actorkit.transport.socket import NOBLOCK, SNDMORE, receive

#: How long a socket that is closed goes on sending what ZeroMQ keeps, in milliseconds.
LINGER_MS: Final = 2000

T = TypeVar("T")


class PeerSocket:
    """Has greenlets wait until it takes or gives a message, several of them at a time.

    ZeroMQ's descriptor says "look at EVENTS" once, and whoever does anything with the socket has looked for all: so
    each call that comes to its end wakes the others.
    """

    def __init__(self, socket: zmq.Socket[bytes], leave: Callable[[], None] = lambda: None) -> None:
        self._socket = socket
        self._leave = leave
        self._turn = Flag()
        self._watcher: Any = gevent.get_hub().loop.io(socket.getsockopt(zmq.FD), 1)
        self._watcher.start(self._look)

    @property
    def closed(self) -> bool:
        return bool(self._socket.closed)

    def receive(self, timeout_s: float | None = None) -> list[bytes] | None:
        """The next message, frame by frame; None when none has come in time, or the socket is closed."""
        return self._wait(lambda: receive(self._socket), timeout_s)

    def send(self, frames: Sequence[bytes], timeout_s: float) -> bool:
        """Give a message to ZeroMQ; False when no peer was there, or had room for it, in time.

        Raises:
            zmq.ZMQError: it is for one peer, which has gone.
        """
        return self._wait(lambda: self._give(frames), timeout_s) is not None

    def subscribe(self, topic: bytes) -> None:
        """Want what begins so, where it is a SUB."""
        self._socket.setsockopt(zmq.SUBSCRIBE, topic)

    def leave(self) -> None:
        """Take leave of all peers. What has come from them can still be received."""
        self._leave()
        self._leave = lambda: None

    def close(self, linger_ms: int = LINGER_MS) -> None:
        """Close it, and end every wait; a second call does nothing."""
        if not self._socket.closed:
            self._watcher.stop()
            self._watcher.close()
            self._socket.close(linger_ms)
            self._wake()

    def _give(self, frames: Sequence[bytes]) -> bool | None:
        try:
            for frame in frames[:-1]:  # With the first frame the whole message is taken, or nothing is.
                self._socket.send(frame, SNDMORE)
            self._socket.send(frames[-1], NOBLOCK)
        except zmq.Again:
            return None
        return True

    def _wait(self, attempt: Callable[[], T | None], timeout_s: float | None) -> T | None:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._socket.closed:
            done = attempt()
            if done is not None:
                self._wake()
                return done
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                return None
            self._turn.wait(left_s)
        return None

    def _look(self) -> None:
        """Have ZeroMQ deal with what its descriptor has told: without that it tells it for ever."""
        self._socket.get(zmq.EVENTS)
        self._wake()

    def _wake(self) -> None:
        turn, self._turn = self._turn, Flag()
        turn.set()
