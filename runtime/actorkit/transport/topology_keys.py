"""The CURVE keys of a topology (RFC 26/CurveZMQ): one pair that all of its instances have.

Whoever has the pair belongs to the topology. Both ends use it: a receiver lets in its own public key and no other, and
a sender talks to a receiver that proves to have it. The file is JSON: {"public_key": Z85, "secret_key": Z85}.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import zmq

from actorkit.errors import UNREADABLE, SettingsError
from actorkit.transport.curve import check_key
from actorkit.transport.keys import ClientKeys, Key, SecretKey, ServerKeys


class TopologyKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pair of keys. `allowed` has further public keys that may connect, as those of the broker's clients."""

    public_key: Key
    secret_key: SecretKey
    allowed: list[Key] = []

    @property
    def server(self) -> ServerKeys:
        """The keys of a socket that binds."""
        return ServerKeys(secret_key=self.secret_key, allowed=[self.public_key, *self.allowed])

    @property
    def client(self) -> ClientKeys:
        """The keys of a socket that connects."""
        return ClientKeys(server_key=self.public_key, public_key=self.public_key, secret_key=self.secret_key)

    def __repr__(self) -> str:
        return f"TopologyKeys(public_key={self.public_key!r}, secret_key=…)"


def generate() -> TopologyKeys:
    """A new pair of keys."""
    public, secret = zmq.curve_keypair()
    return TopologyKeys(public.decode(), secret.decode())


def read(path: Path) -> TopologyKeys:
    """Read the file.

    Raises:
        SettingsError: it cannot be read, or holds no pair; the message has no key in it.
    """
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=TopologyKeys)
    except OSError as exc:
        raise SettingsError(f'ACTORKIT_KEYS is "{path}", and it cannot be read: {exc.strerror}.') from exc
    except UNREADABLE as exc:
        raise SettingsError(
            f'ACTORKIT_KEYS is "{path}", and it is not {{"public_key": …, "secret_key": …}}: {exc}.'
        ) from exc
    check_key(keys.public_key, "public_key")
    if zmq.curve_public(check_text(keys.secret_key)) != keys.public_key.encode():
        raise SettingsError(f'ACTORKIT_KEYS is "{path}", and its two keys are no pair. Make one with kit keys.')
    return keys


def check_text(key: str) -> bytes:
    """A key as the bytes of its text.

    Raises:
        SettingsError: it is no key.
    """
    check_key(key, "secret_key")
    return key.encode()
