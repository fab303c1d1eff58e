"""Sockets with CURVE keys (RFC 26/CurveZMQ): a bound one lets in only its peers, and these prove who they are."""

from __future__ import annotations

from typing import Final

import zmq
from zmq.backend import Socket
from zmq.utils import z85

from actorkit.errors import SettingsError
from actorkit.transport.keys import ClientKeys, ServerKeys

#: Name of the domain in which the ZAP handler is asked (RFC 27/ZAP).
ZAP_DOMAIN: Final = b"actorkit"


def demand_keys(socket: Socket, keys: ServerKeys) -> None:
    """Make a socket that is about to bind refuse whoever has no key.

    Raises:
        SettingsError: a key is none.
    """
    check_key(keys.secret_key, "secret_key")
    socket.set(zmq.CURVE_SERVER, 1)
    socket.set(zmq.CURVE_SECRETKEY, keys.secret_key.encode())
    socket.set(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
    # Without it, libzmq lets everyone in while no ZAP handler answers.
    socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)


def present_keys(socket: Socket, keys: ClientKeys | None) -> None:
    """Give the keys to a socket that is about to connect; None leaves it in the clear.

    Raises:
        SettingsError: a key is none.
    """
    if keys is None:
        return
    for name in ("server_key", "public_key", "secret_key"):
        check_key(getattr(keys, name), name)
    socket.set(zmq.CURVE_SERVERKEY, keys.server_key.encode())
    socket.set(zmq.CURVE_PUBLICKEY, keys.public_key.encode())
    socket.set(zmq.CURVE_SECRETKEY, keys.secret_key.encode())


def check_key(key: str, name: str) -> bytes:
    """The 32 bytes of a key.

    Raises:
        SettingsError: it is none; the message does not tell the key.
    """
    try:
        raw = z85.decode(key.encode("ascii"))
    except (ValueError, KeyError, UnicodeEncodeError) as exc:
        raise SettingsError(f"{name} is no CURVE key. Make one with zmq.curve_keypair().") from exc
    if len(raw) != 32:
        raise SettingsError(f"{name} has {len(key)} characters, a CURVE key has 40. Make one with zmq.curve_keypair().")
    return raw
