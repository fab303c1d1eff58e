"""Where a server listens, and with which certificate."""

from __future__ import annotations

import ssl
import tempfile
from typing import Any, Final

from gevent import socket
from gevent.ssl import SSLContext

from actorkit.errors import SettingsError
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


def tls_context(certificate: str, key: str) -> SSLContext | None:
    """The context for a certificate and its key, both PEM texts; None without a certificate.

    Raises:
        SettingsError: they cannot be used, or one is missing.
    """
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise SettingsError("TLS needs both certfile and keyfile")
    context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as chain:  # mode 0600; OpenSSL reads files only
        chain.write(f"{key}\n{certificate}\n")
        chain.flush()
        try:
            context.load_cert_chain(chain.name)
        except (ssl.SSLError, OSError) as exc:
            raise SettingsError(f"certfile, keyfile: they cannot be used: {exc.strerror or exc}") from exc
    return context
