"""Which addresses stand behind an endpoint. libzmq takes the first address of a name and never looks again; we do."""

from __future__ import annotations

import glob

from gevent import socket


def changes(endpoint: str) -> bool:
    """Whether what stands behind the endpoint can change: a name, or a pattern of socket files."""
    transport, _, rest = endpoint.partition("://")
    if transport == "ipc":
        return "*" in rest
    host = rest.rpartition(":")[0]
    return transport == "tcp" and not _numeric(host)


def addresses(endpoint: str) -> list[str]:
    """All addresses behind an endpoint, each an endpoint to connect to; none where a name is not known (now).

    Looks names up in gevent's thread pool, so other greenlets go on.
    """
    if not changes(endpoint):
        return [endpoint]
    transport, _, rest = endpoint.partition("://")
    if transport == "ipc":
        return [f"ipc://{path}" for path in sorted(glob.glob(rest))]  # noqa: PTH207  # the pattern is absolute
    host, _, port = rest.rpartition(":")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except OSError:
        return []
    numbers = dict.fromkeys(entry[4][0] for entry in found)
    return [f"tcp://[{number}]:{port}" if ":" in number else f"tcp://{number}:{port}" for number in numbers]


def _numeric(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.strip("[]"))
        except OSError:
            continue
        return True
    return False
