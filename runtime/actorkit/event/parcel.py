"""An event as it travels: the fields that stand on the wire (docs/protocol.md, "Parcel")."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

#: Longest body of one event, in bytes; there must be room for the rest of the message.
MAX_BODY_BYTES: Final = 48 << 20

#: Longest trail, in characters; the oldest names are left out of a longer one.
MAX_TRAIL: Final = 1000

#: Who waits for an answer: actor → (instance, key of the one who waits there).
ReplyTo = dict[str, tuple[str, bytes]]


#: A number of 64 bits without a sign.
Name = Annotated[int, msgspec.Meta(ge=0)]


class Suspicion(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The mark of an event that may have ended an instance: [how often it was begun by one that was lost, how those
    ended]. (docs/protocol.md, "An event that cannot be finished")"""

    count: Annotated[int, msgspec.Meta(ge=1)]
    ways: list[str] = []


class Parcel(msgspec.Struct, array_like=True, gc=False):
    """An event on the wire: [id, trace, format letter, body, context (msgpack), reply_to or nil, redelivered, trail].

    `id` and `trace` are 64-bit numbers, together the event's name; `trace` is the id of the event that all of this
    began with, 0 where that is this one. `redelivered` is true for what may have been sent before. `trail` names the
    actors that sent it on, `/` between them, the last one last.
    """

    id: Name
    trace: Name
    format: str
    body: bytes
    context: bytes
    reply_to: ReplyTo | None = None
    redelivered: bool | Suspicion = False
    trail: str = ""
