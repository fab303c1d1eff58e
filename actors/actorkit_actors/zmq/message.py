"""The body of an event as the frame of a message, and back. No sockets."""

from __future__ import annotations

from typing import Literal

from actorkit import Event, JSONEvent
from actorkit.errors import MalformedEvent
from actorkit.event import body, messagepack

#: What a frame holds: the body as it is, JSON, or MessagePack.
Format = Literal["raw", "json", "msgpack"]


def of(event: Event, format_: Format) -> bytes:
    """The frame that an event becomes.

    Raises:
        MalformedEvent: its data cannot be had in that format.
    """
    if format_ == "raw":
        return event.encoded()[1]
    value = event.convert(JSONEvent)
    return messagepack.write(value.data) if format_ == "msgpack" else value.encoded()[1]


def read(frame: bytes, format_: Format) -> body.Raw:
    """The body that a frame becomes: JSON where that is wanted, else text where it is UTF-8, else bytes.

    Raises:
        MalformedEvent: it is not of the format.
    """
    if format_ == "json":
        body.parse_json(frame)
        return body.Raw((body.JSON, frame))
    if format_ == "msgpack":
        return body.Raw(body.dump(messagepack.read(frame), body.JSON))
    return body.from_outside(frame)


def lenient(frame: bytes, format_: Format) -> body.Raw:
    """The same, where nobody hears of a mistake: what is not of the format comes as it is."""
    try:
        return read(frame, format_)
    except MalformedEvent:
        return body.from_outside(frame)
