"""Where a server listens, and with which certificate."""

from __future__ import annotations

import ssl
from typing import Any, Final

from gevent import socket
from gevent.ssl import SSLContext

from actorkit.errors import SettingsError
from actorkit.transport.certificate import present, trust
from actorkit.transport.endpoint import Endpoint

#: What the kernel keeps of an answer that its client does not read, in bytes; left alone it is up to 4 MB a client, and
#: it counts as memory of the container.
SEND_BUFFER_BYTES: Final = 256 << 10


def listen(host: str, port: int) -> Any:
    """A socket that listens.

    Raises:
        SettingsError: the address cannot be had.
    """
    endpoint = Endpoint.tcp(host, port)
    sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES // 2)  # the kernel doubles it
        sock.bind((endpoint.host, port))
        sock.listen(1024)
    except OSError as exc:
        sock.close()
        reason = exc.strerror or str(exc)
        raise SettingsError(f"cannot listen on {endpoint.address}: {reason}. Free the port or choose another.") from exc
    return sock


def tls_context(certificate: str, key: str, client_ca: str = "") -> SSLContext | None:
    """The context for a certificate and its key, both PEM texts; None without a certificate. With `client_ca` clients
    have to show a certificate of one of these authorities.

    Raises:
        SettingsError: they cannot be used, or one is missing.
    """
    if not certificate and not key and not client_ca:
        return None
    context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    present(context, certificate, key)
    if client_ca:
        if not certificate:
            raise SettingsError("client_ca is for TLS, which needs both certfile and keyfile")
        context.verify_mode = ssl.CERT_REQUIRED
        trust(context, client_ca)
    return context
