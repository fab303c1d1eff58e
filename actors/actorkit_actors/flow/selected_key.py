"""Keys of events, from a place in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from actorkit import Event
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.event.selector import Selector, View, text_of

#: Where the key is: a path from the event, or a selector.
Place = str | Selector

#: What a place becomes: it gives an event's key, 16 bytes, however long the values are that it is made of.
KeyOf = Callable[[Event], bytes]


def key_of(place: Place) -> KeyOf:
    """What finds the key of an event there.

    Raises:
        SettingsError: the place cannot be read.
    """
    selector = Selector(at=place) if isinstance(place, str) else place
    try:
        find = selector.compile()
    except SettingsError as exc:
        raise SettingsError(f"key: {exc}") from exc
    shown = selector.at or selector.xpath or selector.jsonpath

    def key(event: Event) -> bytes:
        found: list[Any] = [text_of(value) for value in find(View(event))]
        if not found:
            raise MalformedEvent(f"the event has no key: nothing is at {shown}")
        return hashlib.blake2b(msgspec.msgpack.encode(found), digest_size=16).digest()

    return key
