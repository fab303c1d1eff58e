"""An event as it travels: the fields that stand on the wire (docs/protocol.md, "Parcel")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

#: Longest body of one event, in bytes; there must be room for the rest of the message.
MAX_BODY_BYTES: Final = 48 << 20

#: Longest trail, in characters; the oldest names are left out of a longer one.
MAX_TRAIL: Final = 1000

#: Longest time that a deadline may lie ahead, in milliseconds: a year.
MAX_LEFT_MS: Final = 366 * 86_400_000


class Waiter(msgspec.Struct, array_like=True, gc=False):
    """Who waits for an answer at an actor: its instance, and a key of the one who waits there.

    `deadline_ms` says until when, in milliseconds of the clock of whoever holds the event: a Batch brings the clock of
    its sender with it. None: without end, or the event is to be finished also when nobody waits any more.
    """

    instance: str
    key: bytes
    deadline_ms: int | None = None


#: Who waits for an answer, by actor.
ReplyTo = dict[str, Waiter]


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


def latest_deadline_ms(reply_to: ReplyTo | None) -> int | None:
    """When the last one who waits for an answer gives up; None where nobody waits, or somebody without end."""
    latest = None
    for waiter in reply_to.values() if reply_to else ():
        if waiter.deadline_ms is None:
            return None
        latest = waiter.deadline_ms if latest is None else max(latest, waiter.deadline_ms)
    return latest


def move_deadlines(parcels: Iterable[Parcel], their_ms: int, our_ms: int) -> None:
    """Turn deadlines that are times of a sender's clock into times of ours. `their_ms` and `our_ms` are one moment."""
    for parcel in parcels:
        for waiter in parcel.reply_to.values() if parcel.reply_to else ():
            if waiter.deadline_ms is not None:
                left_ms = waiter.deadline_ms - their_ms
                if not -MAX_LEFT_MS <= left_ms <= MAX_LEFT_MS:
                    left_ms = MAX_LEFT_MS if left_ms > 0 else -MAX_LEFT_MS
                waiter.deadline_ms = our_ms + left_ms
