"""Where a ZeroMQ socket binds or connects."""

from __future__ import annotations

import ipaddress
import re

_ENDPOINT = re.compile(r"(tcp://(\*|\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5}|\*)|(ipc|inproc)://[^\s,?#]+)\Z")


def check_endpoint(text: str) -> str:
    """The endpoint itself.

    Raises:
        ValueError: it is none that ZeroMQ could use.
    """
    if not _ENDPOINT.match(text):
        raise ValueError(f'"{text}" is not a ZeroMQ endpoint. Write it as tcp://host:5550 (tcp://*:5550 to bind).')
    return text


def is_local(endpoint: str) -> bool:
    """Tell whether only this machine can reach what is bound to an endpoint."""
    transport, _, rest = endpoint.partition("://")
    if transport in ("ipc", "inproc"):
        return True
    host = rest.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
