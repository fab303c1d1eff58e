"""The body of an event: which formats there are, and how one becomes another.

A format is one letter on the wire: `n` nothing, `b` bytes, `t` text (UTF-8), `j` JSON, `x` XML, `f` a form. Plain
values are sent as JSON. XML needs the extra `xml`; its module is imported when the first XML body is met.
"""

from __future__ import annotations

import codecs
import re
from typing import Any, Final

import msgspec

from actorkit.errors import UNREADABLE, UNWRITABLE, ConversionError, UnsendableData
from actorkit.event import forms, plain

NOTHING: Final = "n"
BYTES: Final = "b"
TEXT: Final = "t"
JSON: Final = "j"
XML: Final = "x"
FORM: Final = "f"


class _Unread:
    def __repr__(self) -> str:
        return "UNREAD"


#: Stands for data that nobody has asked for yet.
UNREAD: Final[Any] = _Unread()


class Raw(tuple[str, bytes]):
    """A body that nobody has read: (format, bytes)."""

    __slots__ = ()


#: The usual types, for speed.
_FORMATS: Final[dict[type, str]] = {
    type(None): NOTHING,
    bytes: BYTES,
    str: TEXT,
    dict: JSON,
    list: JSON,
    int: JSON,
    float: JSON,
    bool: JSON,
}

#: Where msgspec says that it stopped.
_BYTE: Final = re.compile(r"\(byte (\d+)\)\Z")

_encode_json = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode


def as_utf8(text: str) -> str:
    """The text, with escapes for what UTF-8 has no bytes for: half a surrogate pair, which JSON may bring."""
    return text.encode(errors="backslashreplace").decode()


def format_of(data: Any) -> str:
    """The format in which a value travels.

    Raises:
        UnsendableData: the value is of no kind that can travel.
    """
    known = _FORMATS.get(type(data))
    if known is not None:
        return known
    if isinstance(data, bytes | bytearray | memoryview):
        return BYTES
    if isinstance(data, str):
        return TEXT
    if isinstance(data, dict | list | tuple | int | float):
        return JSON
    if hasattr(data, "getroottree") or hasattr(data, "getroot"):
        if type(data).__module__ == "lxml.etree":
            _FORMATS[type(data)] = XML  # The next one is found at once.
        return XML
    raise UnsendableData(
        f"a {type(data).__name__} cannot be the data of an event; use bytes, text, JSON-like values or an lxml element"
    )


def from_outside(content: bytes) -> Raw:
    """Bytes of which nobody says what they are: text where they are UTF-8."""
    if content.isascii():
        return Raw((TEXT, content))
    try:
        content.decode()
    except UnicodeDecodeError:
        return Raw((BYTES, content))
    return Raw((TEXT, content))


def dump(data: Any, wanted: str | None = None) -> tuple[str, bytes]:
    """Make the bytes of a value: (format, bytes). A text is a JSON string where JSON is `wanted`.

    Raises:
        UnsendableData: the value holds something that the format has no word for, or that would arrive as something
            else than docs/events.md tells.
    """
    format_ = format_of(data)
    if format_ is NOTHING:
        return format_, b""
    if format_ is BYTES:
        return format_, bytes(data)
    if format_ is TEXT and wanted != JSON:
        try:
            return format_, data.encode()
        except UnicodeEncodeError as exc:
            raise UnsendableData(f"the text cannot be written as UTF-8: {exc.reason} at character {exc.start}") from exc
    if format_ is XML:
        from actorkit.event import xml

        return format_, xml.serialise(data)
    if wanted == FORM:
        try:
            return FORM, forms.write(forms.from_json(data))
        except ConversionError as exc:
            raise UnsendableData(f"the data cannot be written as a form: {exc.message}") from exc
    try:
        written = _encode_json(data)
        # msgspec writes NaN as null, a set as a list, the key 1 as "1". Reading is the quick way to see that nothing is
        # so.
        changed = _decode_json(written) != data
    except UNWRITABLE as exc:
        raise UnsendableData(f"the data cannot be written as JSON: {plain.refusal(data) or exc}") from exc
    if changed and (what := plain.refusal(data)):
        raise UnsendableData(f"the data cannot be written as JSON: {what}")
    return JSON, written


def load(format_: str, content: bytes, wanted: str | None) -> Any:
    """Read a body of one format as the data of another (`wanted`; None: as it is).

    Raises:
        ConversionError: the body is not what it says, or there is no way from one to the other.
    """
    if wanted is None or wanted == format_:
        return _parse(format_, content)
    if wanted == BYTES:
        return content
    if wanted == TEXT:
        return _text(content)
    if wanted == JSON:
        return _to_json(format_, content)
    if wanted == XML:
        return _to_xml(format_, content)
    if wanted == FORM:
        return _to_form(format_, content)
    raise ConversionError(f'"{wanted}" is not a body format')


def to_data(data: Any, wanted: str | None) -> Any:
    """The value as the data of an event that wants that format: bytes are parsed, text is parsed as XML, and is itself
    a JSON value.

    Raises:
        UnsendableData: the value is of no kind that can travel.
        ConversionError: the bytes or the text are not of that format.
    """
    if data is UNREAD or wanted is None:
        return data
    format_ = format_of(data)
    if wanted == format_:
        return data
    if wanted == JSON and format_ in (NOTHING, TEXT):
        return data
    return load(*dump(data), wanted)


def _parse(format_: str, content: bytes) -> Any:
    if format_ == BYTES:
        return content
    if format_ == NOTHING:
        return None
    if format_ == TEXT:
        return _text(content)
    if format_ == JSON:
        return parse_json(content)
    if format_ == XML:
        from actorkit.event import xml

        return xml.parse(content)
    if format_ == FORM:
        return forms.parse(content)
    raise ConversionError(f'a body has the unknown format "{format_}"; is the sender of a newer version?')


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise ConversionError(f"the text is not UTF-8: {exc.reason} at byte {exc.start}") from exc


def parse_json(content: bytes) -> Any:
    """Read JSON (RFC 8259); one byte order mark before it is passed over (§8.1).

    Raises:
        ConversionError: it is none; the message says where.
    """
    try:
        return msgspec.json.decode(content)
    except UNREADABLE as exc:
        if not content.startswith(codecs.BOM_UTF8):
            raise not_json(content, exc) from exc
    content = content[len(codecs.BOM_UTF8) :]
    try:
        return msgspec.json.decode(content)
    except UNREADABLE as exc:
        raise not_json(content, exc) from exc


def not_json(content: bytes, error: Exception) -> ConversionError:
    """The error of a text that is no JSON, made of what msgspec says. It names a byte; people look for a line."""
    said = str(error)
    if isinstance(error, UnicodeDecodeError):
        place = error.start
    elif (found := _BYTE.search(said)) is not None:
        said, place = said[: found.start()].rstrip(), int(found[1])
    elif isinstance(error, RecursionError):
        return ConversionError("the data is not JSON that can be read: it is nested too deep")
    else:  # The end came too soon.
        place = len(content)
    place = min(place, len(content))
    line = content.count(b"\n", 0, place) + 1
    column = place - (content.rfind(b"\n", 0, place) + 1) + 1
    return ConversionError(f"the data is not JSON: {said} at line {line}, column {column}")


def _to_json(format_: str, content: bytes) -> Any:
    if format_ == NOTHING:
        return None
    if format_ == XML:
        from actorkit.event import xml

        return xml.to_json(xml.parse(content))
    if format_ == FORM:
        return forms.to_json(forms.parse(content))
    return parse_json(content)


def _to_xml(format_: str, content: bytes) -> Any:
    from actorkit.event import xml

    if format_ == NOTHING:
        raise ConversionError("the event has no data, and XML must have a root element")
    if format_ == JSON:
        return xml.from_json(parse_json(content))
    if format_ == FORM:
        return xml.from_json(forms.to_json(forms.parse(content)))
    return xml.parse(content, "utf-8" if format_ == TEXT else None)


def _to_form(format_: str, content: bytes) -> Any:
    if format_ in (JSON, XML):
        return forms.from_json(_to_json(format_, content))
    return forms.parse(content)
