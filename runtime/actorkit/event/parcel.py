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


class Parcel(msgspec.Struct, array_like=True, gc=False):
    """An event on the wire: [id, trace, format letter, body, context (msgpack), reply_to or nil, redelivered, trail].

    `id` and `trace` are 64-bit numbers, together the event's name; `trace` is the id of the event that all of this
    began with, 0 where that is this one. `trail` names the actors that sent it on, `/` between them, the last one last.
    """

    id: Name
    trace: Name
    format: str
    body: bytes
    context: bytes
    reply_to: ReplyTo | None = None
    redelivered: bool = False
    trail: str = ""
