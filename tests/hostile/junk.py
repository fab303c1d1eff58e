"""A stranger that sends junk to an inbox and reads nothing, as a process of its own.

python -m tests.hostile.junk SOCKET_FILE FRAMES SECONDS   begins anew when hung up on; writes how many frames were
taken, on how many connections
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time

#: What a peer says first (ZMTP 3.0, no security), and its READY: it is a DEALER.
GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\0" + b"NULL".ljust(20, b"\0") + b"\0" * 32
_READY = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER"
READY = b"\x04" + bytes([len(_READY)]) + _READY

#: Frames in one write: each is a message, and none of any protocol.
BURST = 8192
JUNK = b"\0\x06junk!\n" * BURST


def flood(path: str, most: int, end: float) -> int:
    """Send junk until hung up on, until so many frames are taken or the time is over; returns how many were taken."""
    count = 0
    with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(OSError):
        sock.settimeout(10)
        sock.connect(path)
        sock.sendall(GREETING)
        sock.recv(len(GREETING), socket.MSG_WAITALL)
        sock.sendall(READY)
        while count < most and time.monotonic() < end:
            sock.sendall(JUNK)
            count += BURST
    return count


def main(path: str, most: int, seconds: float) -> None:
    """Send so many frames, or what is taken in that time, over as many connections as it takes."""
    count, connections, end = 0, 0, time.monotonic() + seconds
    while count < most and time.monotonic() < end:
        count += flood(path, most - count, end)
        connections += 1
    print(count, connections)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
