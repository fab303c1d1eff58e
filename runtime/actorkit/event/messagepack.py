"""MessagePack, as plain values and back."""

from __future__ import annotations

from typing import Any

import msgspec

from actorkit.errors import UNREADABLE, UNWRITABLE, MalformedEvent
from actorkit.event import plain


def read(content: bytes) -> Any:
    """The value that MessagePack holds, with a timestamp as its text.

    Raises:
        MalformedEvent: it is no MessagePack, or holds what JSON has no words for.
    """
    try:
        value = msgspec.msgpack.decode(content)
    except (*UNREADABLE, ValueError, OverflowError) as exc:
        raise MalformedEvent(f"the data is no MessagePack: {exc}") from exc
    if refusal := plain.refusal(value):
        raise MalformedEvent(f"the MessagePack cannot become JSON: {refusal}")
    return value


def write(value: Any) -> bytes:
    """A value as MessagePack.

    Raises:
        MalformedEvent: MessagePack has no words for it, as for whole numbers of more than 64 bits.
    """
    try:
        return msgspec.msgpack.encode(value)
    except UNWRITABLE as exc:
        raise MalformedEvent(f"the data cannot be written as MessagePack: {exc}") from exc
