"""Where peers of others are: this actor connects to them, or they connect to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from actorkit.event.parcel import MAX_BODY_BYTES
from actorkit.params import Problem
from actorkit.transport.endpoint import Endpoint
from actorkit_actors.zmq import keys
from actorkit_actors.zmq.keys import KeyParams
from actorkit_actors.zmq.message import Format

#: The port of an actor that listens.
PORT: Final = 9000


class ConnectParams(KeyParams, frozen=True, kw_only=True):
    """Parameters of a socket that connects to peers."""

    connect: Annotated[tuple[str, ...], Meta(description="endpoints of peers: tcp://feed.example:5556")] = ()
    format: Annotated[Format, Meta(description="what a frame holds: the body as it is, JSON, or MessagePack")] = "raw"
    max_event_bytes: Annotated[
        int, Meta(ge=1, le=MAX_BODY_BYTES, description="longest message; a peer that sends a longer one is let go")
    ] = 1 << 20
    queue: Annotated[int, Meta(ge=1, description="messages that ZeroMQ may keep for one peer, or of one")] = 100

    @property
    def bound(self) -> str:
        """The endpoint where it listens; "" where it connects."""
        return ""

    @property
    def where(self) -> str:
        """Where its peers are, for messages."""
        return ", ".join(self.connect) or f"whoever connects to {self.bound}"


class PeerParams(ConnectParams, frozen=True, kw_only=True):
    """Parameters of a socket that connects to peers, or listens for them where none is named."""

    host: Annotated[str, Meta(description="address to listen on, without connect")] = "0.0.0.0"
    port: Annotated[int, Meta(ge=1, le=65535, description="port to listen on")] = PORT
    socket_file: Annotated[
        str, Meta(pattern="^(/.*)?$", description="file of a socket to listen on, instead of host and port")
    ] = ""

    @property
    def bound(self) -> str:
        """The endpoint where it listens; "" where it connects."""
        if self.connect:
            return ""
        return f"ipc://{self.socket_file}" if self.socket_file else str(Endpoint.tcp(self.host, self.port))


def problems(params: ConnectParams) -> Iterator[Problem]:
    """What cannot work."""
    if params.threads:
        yield Problem("threads", "sockets wait in greenlets; leave this at 0 and choose the concurrency")
    for number, text in enumerate(params.connect):
        if wrong := _refusal(text):
            yield Problem(f"connect[{number}]", wrong)
    if not params.connect and not params.bound:
        yield Problem("connect", "name the peer that is asked: tcp://shop.example:5556")
    yield from keys.problems(params, listens=bool(params.bound))


def _refusal(text: str) -> str:
    """Why nothing can connect to that; "" where it can."""
    try:
        found = Endpoint.parse(text)
    except ValueError as exc:
        return str(exc)
    if found.transport == "inproc" or found.is_every_interface or (found.transport == "tcp" and not found.port):
        return f'"{text}" is nothing to connect to. Write it as tcp://feed.example:5556.'
    return ""
