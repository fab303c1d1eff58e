"""Whole events as JSON values, many of them in one event."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from actorkit import Event, JSONEvent, XMLEvent
from actorkit.errors import MalformedEvent
from actorkit.event import body

Format = Literal["nothing", "bytes", "text", "json", "xml", "form"]

#: Names of the formats that bodies have.
_NAMES: Final[dict[str, Format]] = {
    body.NOTHING: "nothing",
    body.BYTES: "bytes",
    body.TEXT: "text",
    body.JSON: "json",
    body.XML: "xml",
    body.FORM: "form",
}
_LETTERS: Final = {name: letter for letter, name in _NAMES.items()}


class Packed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An event: its data (bytes as base64, XML and forms as their text), attributes and service."""

    format: Format
    data: Any = None
    attributes: dict[str, Any] = {}
    service: str = ""


def pack(event: Event) -> Packed:
    """The event as a value that JSON can have.

    Raises:
        ConversionError: its data is not what its format says.
        MalformedEvent: its text is not UTF-8.
    """
    format_, content = event.encoded()
    data: Any = None
    if format_ == body.JSON:
        data = body.parse_json(content)
    elif format_ == body.BYTES:
        data = base64.b64encode(content).decode()
    elif format_ != body.NOTHING:
        data = _text(event, format_, content)
    return Packed(format=_NAMES[format_], data=data, attributes=event.context.attributes, service=event.service)


def _text(event: Event, format_: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        if format_ != body.XML:
            raise MalformedEvent(f"the data is not UTF-8: {exc.reason} at byte {exc.start}") from exc
    # A document may say that it has another encoding.
    return body.dump(event.convert(XMLEvent).data, body.XML)[1].decode()


def unpack(value: Any, parent: Event) -> Event:
    """The event that was packed, as one made of its parent.

    Raises:
        MalformedEvent: the value is no packed event.
    """
    try:
        packed = msgspec.convert(value, Packed)
        made = parent.with_body(_LETTERS[packed.format], _content(packed))
    except (msgspec.ValidationError, UnicodeError, binascii.Error, TypeError, AttributeError) as exc:
        raise MalformedEvent(f"no packed event: {exc}") from exc
    made.context.attributes = dict(packed.attributes)
    made.service = packed.service
    return made


def _content(packed: Packed) -> bytes:
    if packed.format == "json":
        return msgspec.json.encode(packed.data)
    if packed.format == "nothing":
        return b""
    if not isinstance(packed.data, str):
        raise TypeError(f"the data of {packed.format} is a text")
    return base64.b64decode(packed.data, validate=True) if packed.format == "bytes" else packed.data.encode()


class Packing:
    """Makes one event of several packed ones."""

    def whole(self, base: Event, events: Sequence[Event], values: Sequence[Any]) -> Event:
        """A JSON list of them."""
        made = base.become(JSONEvent, [msgspec.to_builtins(value) for value in values])
        made.context.attributes = {"count": len(events)}
        return made
