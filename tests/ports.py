"""The one way to get a port of this machine that nobody else gets before it is used."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that is kept for whoever is given its number, until this process ends.

    A socket that is bound and does not listen keeps it. The kernel then gives the port to no bind to port 0 and to no
    connection that goes out, in any process; a server that sets SO_REUSEADDR, as ZeroMQ's, gevent's and Python's do,
    may listen there, as often as it is started again.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("", 0))
    port: int = keeper.getsockname()[1]
    keeper.detach()  # the descriptor stays open: closing it is what would give the port away
    return port
