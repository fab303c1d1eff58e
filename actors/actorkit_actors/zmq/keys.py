"""CURVE keys (RFC 26/CurveZMQ) as parameters: who may connect, and whom this actor believes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import zmq
from msgspec import Meta

from actorkit import Actor
from actorkit.errors import SettingsError
from actorkit.params import Problem
from actorkit.transport.curve import check_key
from actorkit.transport.keys import ClientKeys, ServerKeys


class KeyParams(Actor.Params, frozen=True, kw_only=True):
    """Parameters of a socket with keys; none of them: in the clear."""

    secret_key: Annotated[
        str, Meta(description="own secret CURVE key, Z85 text; none: in the clear", extra={"secret": True})
    ] = ""
    public_key: Annotated[str, Meta(description="own public CURVE key, where it connects")] = ""
    server_key: Annotated[str, Meta(description="public CURVE key of the peers that it connects to")] = ""
    allowed: Annotated[
        tuple[str, ...], Meta(description="public CURVE keys of those who may connect, where it listens")
    ] = ()

    @property
    def client(self) -> ClientKeys | None:
        """The keys of a socket that connects."""
        if not self.secret_key:
            return None
        return ClientKeys(server_key=self.server_key, public_key=self.public_key, secret_key=self.secret_key)

    @property
    def server(self) -> ServerKeys | None:
        """The keys of a socket that listens."""
        return ServerKeys(secret_key=self.secret_key, allowed=list(self.allowed)) if self.secret_key else None


def problems(params: KeyParams, *, listens: bool) -> Iterator[Problem]:
    """What cannot work where it listens, or connects."""
    given = {name: getattr(params, name) for name in ("secret_key", "public_key", "server_key", "allowed")}
    needed = ("secret_key", "allowed") if listens else ("secret_key", "public_key", "server_key")
    if not any(given.values()):
        return
    for name, key in given.items():
        if name in needed and not key:
            yield Problem(name, f"this is missing: an actor that {_does(listens)} needs {' and '.join(needed)}")
        if key and name not in needed:
            yield Problem(name, f"this is never used: an actor that {_does(listens)} needs {' and '.join(needed)}")
    keys = {name: key for name, key in given.items() if isinstance(key, str) and key}
    keys |= {f"allowed[{number}]": key for number, key in enumerate(params.allowed)}
    wrong = [problem for name, key in keys.items() for problem in _wrong_key(name, key)]
    yield from wrong
    pair = params.secret_key.encode(), params.public_key.encode()
    if not wrong and all(pair) and zmq.curve_public(pair[0]) != pair[1]:
        yield Problem("public_key", "this and secret_key are no pair. Make one with zmq.curve_keypair()")


def _does(listens: bool) -> str:
    return "listens" if listens else "connects"


def _wrong_key(name: str, key: str) -> Iterator[Problem]:
    try:
        check_key(key, name)
    except SettingsError as exc:
        yield Problem(name, exc.message)
