"""Media types: what a request's body is, and what an answer is written as (RFC 9110 §8.3, §12.5.1)."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from email.message import Message
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from werkzeug import exceptions
from werkzeug.formparser import FormDataParser

from actorkit.errors import UNREADABLE, ConversionError, MalformedEvent, NotAcceptable
from actorkit.event import body

#: Most fields that a form, or a query, may have.
MAX_FIELDS: Final = 1000

_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_FORMATS: Final = {
    "application/json": body.JSON,
    "application/xml": body.XML,
    "text/xml": body.XML,
    "text/plain": body.TEXT,
    "text/html": body.TEXT,
    "text/csv": body.TEXT,
    "text/markdown": body.TEXT,
}

#: What an answer of a format can be written as, the first one preferred.
_OFFERS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    body.JSON: (
        ("application/json", body.JSON),
        ("application/xml", body.XML),
        ("text/xml", body.XML),
        ("text/plain", body.TEXT),
    ),
    body.XML: (
        ("application/xml", body.XML),
        ("text/xml", body.XML),
        ("application/json", body.JSON),
        ("text/plain", body.TEXT),
    ),
    body.TEXT: (
        ("text/plain", body.TEXT),
        ("application/json", body.JSON),
        ("application/xml", body.XML),
        ("text/xml", body.XML),
    ),
    body.BYTES: (
        ("application/octet-stream", body.BYTES),
        ("application/json", body.JSON),
        ("application/xml", body.XML),
        ("text/xml", body.XML),
        ("text/plain", body.TEXT),
    ),
}

#: What XML 1.0 §2.2 has no character for.
_NO_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

_is_json = msgspec.json.Decoder(msgspec.Raw).decode


@lru_cache(maxsize=256)
def content_type(header: str) -> tuple[str, str]:
    """(media type in lower case, charset in lower case) of a `Content-Type` header; "" where there is none."""
    if ";" not in header:
        return header.strip().lower(), ""
    message = Message()
    message["content-type"] = header
    charset = message.get_param("charset", "")
    return header.partition(";")[0].strip().lower(), charset.lower() if isinstance(charset, str) else ""


def format_of(media_type: str) -> str:
    """The body format of a media type; bytes when it is an unknown one."""
    found = _FORMATS.get(media_type)
    if found is None:
        found = body.XML if media_type.endswith("+xml") else body.JSON if media_type.endswith("+json") else body.BYTES
    return found


def within(media_type: str, ranges: Sequence[str]) -> bool:
    """Whether one of the media ranges (`text/xml`, `text/*`, `*/*`) takes the type."""
    kind = media_type.partition("/")[0]
    return any(one.lower() in (media_type, f"{kind}/*", "*/*") for one in ranges)


def read(header: str, content: bytes) -> tuple[str, bytes]:
    """The body of a request for an event: (format, bytes). JSON and XML are checked and go on as they came.

    Forms become a JSON object of lists, every field kept; a file is an object of filename, content_type and, in base64,
    content.

    Raises:
        MalformedEvent: it is not what its content type says.
    """
    if not content:
        return body.NOTHING, b""
    media_type, charset = content_type(header)
    if media_type == _FORM:
        return body.JSON, _form(content)
    if media_type == _MULTIPART:
        return body.JSON, _multipart(header, content)
    format_ = format_of(media_type)
    if format_ == body.JSON:
        return format_, _checked_json(content, charset)
    if format_ == body.XML:
        return format_, _checked_xml(content, charset)
    if format_ == body.TEXT:
        return format_, _utf8(content, charset)
    return format_, content


def _utf8(content: bytes, charset: str) -> bytes:
    try:
        text = content.decode(charset or "utf-8")
    except (UnicodeDecodeError, LookupError) as exc:
        raise MalformedEvent(f"the text is not {charset or 'utf-8'}: {exc}") from exc
    return content if charset in ("", "utf-8") else text.encode()


def _checked_json(content: bytes, charset: str) -> bytes:
    content = content if charset in ("", "utf-8") else _utf8(content, charset)
    try:
        _is_json(content)  # and does not look into strings
        _ = content.isascii() or content.decode()
    except UNREADABLE:
        body.parse_json(content)  # says where
    return content


def _checked_xml(content: bytes, charset: str) -> bytes:
    from actorkit.event import xml

    root = xml.parse(content, charset or None)
    encoding = (root.getroottree().docinfo.encoding or "utf-8").lower()
    # What travels on is read without the header, so it must say its encoding itself.
    return content if not charset and encoding in ("utf-8", "us-ascii") else xml.serialise(root)


def query(text: str) -> dict[str, list[str]]:
    """The parameters of a query, every value kept.

    Raises:
        MalformedEvent: there are too many.
    """
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise MalformedEvent(f"the query or form has more than {MAX_FIELDS} fields") from exc
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _form(content: bytes) -> bytes:
    return msgspec.json.encode(query(_utf8(content, "").decode()))


def _multipart(header: str, content: bytes) -> bytes:
    message = Message()
    message["content-type"] = header
    options = {name: value for name, value in message.get_params([])[1:] if isinstance(value, str)}
    parser = FormDataParser(_in_memory, max_form_memory_size=None, max_form_parts=MAX_FIELDS, silent=False)
    try:
        _, fields, files = parser.parse(io.BytesIO(content), _MULTIPART, len(content), options)
    except (ValueError, exceptions.HTTPException) as exc:
        raise MalformedEvent(f"the form cannot be read: {exc}") from exc
    found: dict[str, list[Any]] = {name: list(values) for name, values in fields.lists()}
    for name, uploads in files.lists():
        for upload in uploads:
            data = base64.b64encode(upload.read()).decode()
            found.setdefault(name, []).append(
                {"filename": upload.filename or "", "content_type": upload.content_type or "", "content": data}
            )
    return msgspec.json.encode(found)


def _in_memory(*_: Any, **__: Any) -> io.BytesIO:
    """Where werkzeug puts a file: memory, as the whole body is there already, and nothing is left to be closed."""
    return io.BytesIO()


@lru_cache(maxsize=256)
def _accepted(header: str) -> tuple[tuple[str, float], ...]:
    """(media range, q) of an `Accept` header; what cannot be read is left out."""
    found = []
    for part in header.split(","):
        media_range, *options = (piece.strip().lower() for piece in part.split(";"))
        q = 1.0
        for option in options:
            name, _, value = option.partition("=")
            if name.strip() == "q":
                try:
                    q = min(1.0, max(0.0, float(value)))
                except ValueError:
                    q = 0.0
        if "/" in media_range:
            found.append((media_range, q))
    return tuple(found)


def quality(header: str, media_type: str) -> float:
    """How much a client wants a media type, 0 to 1; the most specific range decides. No header: 1 for all."""
    if not header:
        return 1.0
    kind = media_type.partition("/")[0]
    ranked = {media_type: 3, f"{kind}/*": 2, "*/*": 1}
    best, found = 0, 0.0
    for media_range, q in _accepted(header):
        rank = ranked.get(media_range, 0)
        if rank > best:
            best, found = rank, q
    return found


@lru_cache(maxsize=1024)
def _wanted(header: str, format_: str) -> tuple[tuple[str, str], ...]:
    """The media types, with their formats, in which the client takes such an answer, the best first."""
    offers = [(quality(header, media_type), media_type, target) for media_type, target in _OFFERS[format_]]
    return tuple((name, target) for q, name, target in sorted(offers, key=lambda offer: -offer[0]) if q > 0)


def write(accept: str, format_: str, content: bytes) -> tuple[str, bytes]:
    """The answer as the client wants it: (media type, body). Its own format is kept where the client does not mind.

    Raises:
        NotAcceptable: it cannot be had in anything that the client accepts.
    """
    for media_type, target in _wanted(accept, format_):
        name = "text/plain; charset=utf-8" if media_type == "text/plain" else media_type
        if target == format_:
            return name, content
        try:
            return name, body.dump(body.load(format_, content, target))[1]
        except ConversionError:
            continue
    raise NotAcceptable(f'the answer cannot be had as "{accept}"')


def write_errors(headers: Mapping[str, str], messages: list[str]) -> tuple[str, bytes]:
    """Error messages as JSON or XML, whichever the client prefers (`headers` of its request); where it does not mind,
    XML if it sent XML. JSON when it wants neither."""
    accept = headers.get("accept", "")
    json_q = quality(accept, "application/json")
    xml_type = max(("application/xml", "text/xml"), key=lambda name: quality(accept, name))
    xml_q = quality(accept, xml_type)
    sent = format_of(content_type(headers.get("content-type", ""))[0])
    if xml_q > json_q or (xml_q == json_q > 0 and sent == body.XML):
        from actorkit.event import xml

        root = xml.from_json({"errors": {"error": [_xml_text(message) for message in messages]}})
        return xml_type, xml.serialise(root)
    return "application/json", msgspec.json.encode({"errors": [{"message": message} for message in messages]})


def _xml_text(message: str) -> str:
    """A message may quote what XML has no character for."""
    return _NO_XML.sub("\ufffd", message)
