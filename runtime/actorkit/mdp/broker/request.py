"""What the broker knows of one request, and of the client that sent it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from actorkit.mdp.frames import Dialect, Part, show


class Connection(Protocol):
    """A client's connection, as far as it can be asked. Each method raises OSError when the connection has ended."""

    def same_as(self, other: object) -> bool: ...

    def unsent(self, sent_bytes: int) -> int: ...

    def hang_up(self) -> None: ...


class Client:
    """A client's connection, and what was sent to it and has perhaps not left yet (clients.py)."""

    __slots__ = ("check_at", "connection", "identity", "unread_bytes", "unread_messages")

    def __init__(self, identity: Part, connection: Connection | None, check_bytes: int) -> None:
        self.identity = identity
        #: None: it cannot be asked what has left, so all has.
        self.connection = connection
        self.unread_bytes = 0
        self.unread_messages = 0
        #: With how many unread bytes it is asked next.
        self.check_at = check_bytes

    def __repr__(self) -> str:
        return f"<Client {show(self.identity)}: {self.unread_bytes} bytes, perhaps unread>"


class Request(msgspec.Struct, gc=False, eq=False):
    """A client's request, kept until it is answered, refused or expired.

    A Struct, and not seen by the garbage collector: one is made for every request, and cycles cannot begin here.
    """

    client: Part
    #: Whose turn it takes in a queue: the client's routing id, or what all connections of one of our clients share.
    turn: Part
    dialect: Dialect
    body: list[Part]
    arrived: float
    #: When it expires; set once its service is known.
    deadline: float
    #: Whether the client is one of ours, which is told of refusals.
    is_ours: bool
    #: The client's connection.
    peer: Client
    size_bytes: int = 0
    #: How many workers had it and were lost.
    attempts: int = 0
    #: What a 0.2 worker has answered in parts for a 0.1 client, which can be given one reply only.
    parts: list[Part] | None = None
    #: Whether a part of the answer has been sent to the client; then it cannot be done again.
    streamed: bool = False

    def __repr__(self) -> str:
        return f"<Request of {show(self.client)} ({self.dialect.version}), attempts {self.attempts}>"
