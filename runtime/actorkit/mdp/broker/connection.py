"""A peer's connection below libzmq: what the kernel still has to send, and its end."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from typing import Any, Final

import zmq

#: Where `struct tcp_info` of Linux has the number of bytes that the other end has acknowledged: `tcpi_bytes_acked`.
_ACKED_AT: Final = 120


class PeerConnection:
    """The connection behind a file descriptor of libzmq's; only ever looked at, or ended, never read or written.

    libzmq may close it at any time, and the number may then be another connection's. So each look goes through a
    duplicate, and asks first whether it is the same socket yet.
    """

    __slots__ = ("_acked", "_fd", "_inode")

    def __init__(self, fd: int) -> None:
        """Keep which socket it is.

        Raises:
            OSError: there is none.
        """
        self._fd = fd
        self._inode = os.fstat(fd).st_ino
        self._acked = 0
        with self._duplicate() as end:
            self._acked = _acked_bytes(end) or 0

    def __repr__(self) -> str:
        return f"<PeerConnection {self._fd}, socket {self._inode}>"

    def same_as(self, other: object) -> bool:
        """Whether the other one is the same socket."""
        return isinstance(other, PeerConnection) and other._inode == self._inode

    def unsent(self, sent_bytes: int) -> int:
        """How many bytes have not left, of `sent_bytes`: what was sent since the last call, and left over at it.

        Raises:
            OSError: the connection has ended.
        """
        with self._duplicate() as end:
            queued = int(struct.unpack("i", fcntl.ioctl(end.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])
            acked = _acked_bytes(end)
            if acked is None:  # not TCP: it keeps up while the kernel's buffer is not full
                full = 2 * queued > end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2
                return max(queued, sent_bytes) if full else queued
        left = max(queued, sent_bytes - (acked - self._acked))
        self._acked = acked
        return left if queued else 0

    def hang_up(self) -> None:
        """End the connection; libzmq hears it, and lets go of all that waits for it.

        Raises:
            OSError: it has ended already.
        """
        with self._duplicate() as end:
            end.shutdown(socket.SHUT_RDWR)

    def _duplicate(self) -> socket.socket:
        end = socket.socket(fileno=os.dup(self._fd))
        if os.fstat(end.fileno()).st_ino != self._inode:
            end.close()
            raise ConnectionError(f"descriptor {self._fd} is another connection's now")
        return end


def connection_of(frame: Any) -> PeerConnection | None:
    """The connection that a frame came by; None where there is none that can be looked at (inproc)."""
    try:
        return PeerConnection(int(frame.get(zmq.SRCFD)))
    except (zmq.ZMQError, OSError):
        return None


def _acked_bytes(end: socket.socket) -> int | None:
    """How many bytes the other end has acknowledged since the connection began; None where that is not known."""
    try:
        info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except (OSError, AttributeError):
        return None
    return int(struct.unpack_from("Q", info, _ACKED_AT)[0]) if len(info) >= _ACKED_AT + 8 else None
