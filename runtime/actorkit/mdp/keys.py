"""CURVE keys (RFC 26/CurveZMQ): who may talk to a broker, and how its peers prove who they are.

Keys are Z85 text of 40 characters, as `zmq.curve_keypair()` makes them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
import zmq
from msgspec import Meta
from zmq.backend import Socket
from zmq.utils import z85

from actorkit.errors import SettingsError

#: Name of the domain in which the ZAP handler is asked.
ZAP_DOMAIN: Final = b"actorkit"

Key = Annotated[str, Meta(min_length=40, max_length=40, description="a CURVE key, Z85 text")]
SecretKey = Annotated[
    str, Meta(min_length=40, max_length=40, description="a secret CURVE key, Z85 text", extra={"secret": True})
]


class ServerKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a side that binds: its own, and the public keys of all who may connect."""

    secret_key: SecretKey
    allowed: Annotated[list[Key], Meta(description="public keys of those who may connect; all others are refused")]

    def __repr__(self) -> str:
        return f"ServerKeys(secret_key=…, allowed=<{len(self.allowed)} keys>)"

    def apply(self, socket: Socket) -> None:
        """Make a socket that is about to bind refuse whoever has no key. Raises SettingsError for a wrong key."""
        check(self.secret_key, "secret_key")
        socket.set(zmq.CURVE_SERVER, 1)
        socket.set(zmq.CURVE_SECRETKEY, self.secret_key.encode())
        socket.set(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        # Without it, libzmq lets everyone in while no handler answers.
        socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)


class ClientKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a side that connects: its own pair, and the public key of the server."""

    server_key: Key
    public_key: Key
    secret_key: SecretKey

    def __repr__(self) -> str:
        return f"ClientKeys(server_key={self.server_key!r}, public_key={self.public_key!r}, secret_key=…)"

    def apply(self, socket: Socket) -> None:
        """Give the keys to a socket that is about to connect. Raises SettingsError for a wrong key."""
        for name in ("server_key", "public_key", "secret_key"):
            check(getattr(self, name), name)
        socket.set(zmq.CURVE_SERVERKEY, self.server_key.encode())
        socket.set(zmq.CURVE_PUBLICKEY, self.public_key.encode())
        socket.set(zmq.CURVE_SECRETKEY, self.secret_key.encode())


def check(key: str, name: str) -> bytes:
    """Return the 32 bytes of a key. Raises SettingsError, without the key in it, when it is none."""
    try:
        raw = z85.decode(key.encode("ascii"))
    except (ValueError, KeyError, UnicodeEncodeError) as exc:
        raise SettingsError(f"{name} is no CURVE key. Make one with zmq.curve_keypair().") from exc
    if len(raw) != 32:
        raise SettingsError(f"{name} has {len(key)} characters, a CURVE key has 40. Make one with zmq.curve_keypair().")
    return raw


def securing(keys: ClientKeys | None) -> Callable[[Socket], None]:
    """Return what a client or worker does with each socket before it connects: for the `secure` argument."""
    return keys.apply if keys is not None else _nothing


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


def _nothing(_socket: Socket) -> None:
    """Leave a socket as it is."""
