"""CURVE keys (RFC 26/CurveZMQ): who may talk to whom. Keys are Z85 text of 40 characters (RFC 32/Z85)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

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


class ClientKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a side that connects: its own pair, and the public key of the server."""

    server_key: Key
    public_key: Key
    secret_key: SecretKey

    def __repr__(self) -> str:
        return f"ClientKeys(server_key={self.server_key!r}, public_key={self.public_key!r}, secret_key=…)"
