"""Ports of this machine: whether one is free, and which are."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import closing
from typing import Final

#: Where processes listen that nobody outside of this machine shall reach.
LOOPBACK: Final = "127.0.0.1"


def why_not_free(address: str, port: int) -> str:
    """Why nobody can listen on a port of an address, in the system's words; "" when one can."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as exc:
            return exc.strerror or str(exc)
    return ""


class FreePorts:
    """Gives out ports that nobody uses now, none of them twice and none of the taken ones."""

    def __init__(self, taken: Iterable[int]) -> None:
        self._given = set(taken)

    def take(self) -> int:
        """A port on the loopback address."""
        while True:
            with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
                probe.bind((LOOPBACK, 0))
                port: int = probe.getsockname()[1]
            if port not in self._given:
                self._given.add(port)
                return port
