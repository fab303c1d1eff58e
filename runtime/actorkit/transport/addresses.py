"""All instances behind one address, for whoever asks each of them."""

from __future__ import annotations

import socket
from typing import Final

from actorkit.transport.endpoint import Endpoint

#: What a resolver says of a name that has no addresses. Whatever else it says, it does not know.
_NO_ADDRESS: Final = (socket.EAI_NONAME, socket.EAI_NODATA)


def resolve(address: str) -> list[str] | None:
    """The addresses `host:port` behind a name, one for each instance, which may have one of each family; None where it
    cannot be told."""
    endpoint = Endpoint.of_address(address)
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except socket.gaierror as exc:
        return [] if exc.errno in _NO_ADDRESS else None
    except OSError:
        return None
    family = min(one[0] for one in found)
    return sorted({Endpoint.tcp(str(one[4][0]), endpoint.port).address for one in found if one[0] == family})
