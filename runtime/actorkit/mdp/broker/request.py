"""What the broker knows of one request."""

from __future__ import annotations

import msgspec

from actorkit.mdp.frames import Dialect, Part, show


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
    size_bytes: int = 0
    #: How many workers had it and were lost.
    attempts: int = 0
    #: What a 0.2 worker has answered in parts for a 0.1 client, which can be given one reply only.
    parts: list[Part] | None = None
    #: Whether a part of the answer has been sent to the client; then it cannot be done again.
    streamed: bool = False

    def __repr__(self) -> str:
        return f"<Request of {show(self.client)} ({self.dialect.version}), attempts {self.attempts}>"
