"""A ZeroMQ socket in gevent's loop.

The socket's file descriptor is edge-triggered: it says "look at EVENTS", once. So whoever is woken reads until nothing
is left, and whoever has sent looks at EVENTS again, or a wake-up is lost. (`zmq.green` does this per call; draining
first and waiting only then is eighteen times as fast.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import gevent
import zmq
import zmq.backend
from zmq.backend import Socket

#: How many messages of one socket are read before other sockets are looked at.
BURST = 64

#: Room for messages that are neither events nor acknowledgements, in a socket's queues.
CONTROL_FRAMES: Final = 256

#: libzmq's own heartbeats, made by its I/O thread: a peer that answers none for this long is cut off, in milliseconds.
#: A busy `consume` does not stop them, so they tell "dead" from "busy".
HEARTBEAT_MS: Final = 1000
HEARTBEAT_TIMEOUT_MS: Final = 3000

# Plain numbers: `&` of two flags of an enumeration makes a third one, in Python.
_POLLIN = int(zmq.POLLIN)
#: Flags for `recv` and `send`.
NOBLOCK = int(zmq.NOBLOCK)
SNDMORE = int(zmq.SNDMORE | zmq.NOBLOCK)


class EventSocket:
    """Calls `read` in the hub whenever the socket may be readable. It owns the socket and closes it.

    `read` takes what is there, without blocking or switching, and tells whether it stopped before the end.
    """

    def __init__(self, socket: zmq.Socket[bytes], read: Callable[[], bool]) -> None:
        self.socket = socket
        self.recv: Callable[[int], bytes] = zmq.backend.Socket.recv.__get__(socket)
        #: (flags, False): a frame that is read where ZeroMQ has it.
        self.recv_frame: Callable[[int, bool], zmq.Frame] = zmq.backend.Socket.recv.__get__(socket)
        self.send: Callable[[bytes | bytearray, int], None] = zmq.backend.Socket.send.__get__(socket)
        self._get: Callable[[int], int] = zmq.backend.Socket.get.__get__(socket)
        self._read = read
        self._loop = gevent.get_hub().loop
        self._watcher = self._loop.io(socket.getsockopt(zmq.FD), 1)
        self._recheck_due = False
        self.closed = False

    def start(self) -> None:
        """Begin to read."""
        self._watcher.start(self._ready)
        self.recheck()

    def readable(self) -> bool:
        """Whether a message is there. Asking is cheaper than an `Again` that is raised and caught."""
        return bool(self._get(zmq.EVENTS) & _POLLIN)

    def more(self) -> int:
        """Whether the message that was begun has another frame."""
        return self._get(zmq.RCVMORE)

    def recheck(self) -> None:
        """Look at EVENTS again, as is due after sending: messages that came meanwhile are read in the next pass."""
        if not self._recheck_due and not self.closed and self._get(zmq.EVENTS) & _POLLIN:
            self._recheck_due = True
            self._loop.run_callback(self._ready)

    def _ready(self) -> None:
        self._recheck_due = False
        if self.closed:
            return
        more = self._read()
        if not self.closed and more:
            self._recheck_due = True
            self._loop.run_callback(self._ready)

    def close(self, linger_ms: int = 0) -> None:
        """Stop reading and close the socket; a second call does nothing."""
        if self.closed:
            return
        self.closed = True
        self._watcher.stop()
        self._watcher.close()
        self.socket.close(linger=linger_ms)


def receive(socket: Socket) -> list[bytes] | None:
    """Take one whole message without waiting; None when there is none (then the socket's FD may be waited for)."""
    try:
        part = socket.recv(NOBLOCK, False)
    except zmq.Again:
        return None
    frames = [part.bytes]
    while part.more:
        part = socket.recv(0, False)
        frames.append(part.bytes)
    return frames
