"""What the body of a request is, by its media type (RFC 9110 §8.3)."""

from __future__ import annotations

import base64
import codecs
import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from werkzeug import exceptions
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from actorkit.errors import UNREADABLE, EventError, MalformedEvent, UnsupportedMediaType
from actorkit.event import body
from actorkit.event import forms as form

#: Most fields that a form, or a query, may have, and most parts of a form with files.
MAX_FIELDS: Final = 1000

#: What a form without files becomes: JSON, a form, or a form unless its only field holds a document.
Forms: TypeAlias = Literal["json", "form", "unwrap"]

#: Longest form without files, in bytes. To read its escapes takes a hundred times as long as to read text.
MAX_FORM_BYTES: Final = 1 << 20

#: Longest `Content-Type` and `Accept` that are looked at, in characters. To read one costs time for each character.
MAX_HEADER_LENGTH: Final = 1000

#: Names of character encodings that are taken. Python has a hundred more, of which some take seconds for a body and
#: some are no encodings of text.
CHARSETS: Final[Mapping[str, str]] = {
    "": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "us-ascii",
    "ascii": "us-ascii",
    "iso-8859-1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "latin-9": "iso-8859-15",
    "windows-1252": "windows-1252",
    "cp1252": "windows-1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16le",
    "utf-16be": "utf-16be",
}

_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_OCTETS: Final = "application/octet-stream"
_FORMATS: Final = {
    "application/json": body.JSON,
    "application/xml": body.XML,
    "text/xml": body.XML,
    "text/plain": body.TEXT,
    "text/html": body.TEXT,
    "text/csv": body.TEXT,
    "text/markdown": body.TEXT,
}

#: What parsing takes for a moment, in bytes: for an element or the text between two, for an attribute, and for a byte
#: of a form or of a text that is written anew.
_NODE_BYTES: Final = 250
_ATTRIBUTE_BYTES: Final = 150
REWRITTEN_BYTES: Final = 5

_is_json = msgspec.json.Decoder(msgspec.Raw).decode


class HeaderTooLong(EventError):
    """Raised when a header field is longer than anything that makes sense."""

    status = 431


class BodyTooLarge(EventError):
    """Raised when a body is larger than its kind may be, or takes more memory than the server may have in all."""

    status = 413


def content_type(header: str) -> tuple[str, str]:
    """(media type in lower case, charset in lower case) of a `Content-Type` header; "" where there is none.

    Raises:
        HeaderTooLong: it is longer than `MAX_HEADER_LENGTH`.
    """
    if len(header) > MAX_HEADER_LENGTH:
        raise HeaderTooLong(f"the Content-Type is longer than {MAX_HEADER_LENGTH} characters")
    return parse_content_type(header)


@lru_cache(maxsize=256)
def parse_content_type(header: str) -> tuple[str, str]:
    """The media type and the charset of a Content-Type that is not too long; the latest ones are remembered."""
    media_type, options = parse_options_header(header)
    return media_type.strip().lower(), options.get("charset", "").strip().lower()


def format_of(media_type: str) -> str:
    """The body format of a media type; bytes when it is an unknown one."""
    found = _FORMATS.get(media_type)
    if found is None:
        found = body.XML if media_type.endswith("+xml") else body.JSON if media_type.endswith("+json") else body.BYTES
    return found


#: What a server knows what to do with, as it is told to those who send something else.
KNOWN: Final = (*_FORMATS, _FORM, _MULTIPART, _OCTETS, "and what ends in +json or +xml")


def is_known(media_type: str) -> bool:
    """Whether a media type says what a body becomes. Where none is named, it is bytes (RFC 9110 §8.3)."""
    return media_type in ("", _OCTETS, _FORM, _MULTIPART) or format_of(media_type) != body.BYTES


def within(media_type: str, ranges: Sequence[str]) -> bool:
    """Whether one of the media ranges (`text/xml`, `text/*`, `*/*`) takes the type."""
    kind = media_type.partition("/")[0]
    return any(one.lower() in (media_type, f"{kind}/*", "*/*") for one in ranges)


def parsing_bytes(format_: str, content: bytes) -> int:
    """About how much memory it takes to look at a body of a format, or to write it as another one."""
    if format_ == body.XML:
        return content.count(b"<") * _NODE_BYTES + content.count(b"=") * _ATTRIBUTE_BYTES + len(content)
    return 0


def weight(header: str, content: bytes) -> int:
    """About how much memory `read` takes for a moment, beside the body."""
    media_type, charset = content_type(header)
    format_ = format_of(media_type)
    if media_type in (_FORM, _MULTIPART) or CHARSETS.get(charset) != "utf-8":
        return len(content) * REWRITTEN_BYTES + parsing_bytes(format_, content)
    return parsing_bytes(format_, content)


def read(header: str, content: bytes, forms: Forms = "json") -> tuple[str, bytes]:
    """The body of a request for an event: (format, bytes). JSON and XML are checked and go on as they came.

    Forms become a JSON object of lists, every field kept; a file is an object of filename, content_type and, in base64,
    content. With `forms` those without files stay forms, or become the document in their only field.

    Raises:
        MalformedEvent: it is not what its content type says.
        UnsupportedMediaType: its charset is not taken.
        BodyTooLarge: it is a form, and a longer one than is taken.
    """
    if not content:
        return body.NOTHING, b""
    media_type, charset = content_type(header)
    format_ = format_of(media_type)
    if format_ == body.BYTES and media_type not in (_FORM, _MULTIPART):
        return format_, content
    known = CHARSETS.get(charset)
    if known is None:
        names = ", ".join(sorted(set(CHARSETS.values())))
        raise UnsupportedMediaType(f'the charset "{charset}" is not taken here; there is {names}')
    if media_type == _FORM:
        return (body.JSON, _form(content, known)) if forms == "json" else _form_of(content, known, forms)
    if media_type == _MULTIPART:
        return body.JSON, _multipart(header, content, known)
    if format_ == body.JSON:
        return format_, _checked_json(content, known)
    if format_ == body.XML:
        return format_, _checked_xml(content, known if charset else "")
    return format_, _utf8(content, known)


def _utf8(content: bytes, charset: str) -> bytes:
    try:
        if charset == "utf-8":
            _ = content.isascii() or content.decode()
            return content
        return content.decode(charset).encode()
    except UnicodeError as exc:
        raise MalformedEvent(f"the text is not {charset}: {exc}") from exc


def _checked_json(content: bytes, charset: str) -> bytes:
    if charset != "utf-8":
        content = _utf8(content, charset)
    if content.startswith(codecs.BOM_UTF8):  # RFC 8259 §8.1: may be ignored
        content = content[len(codecs.BOM_UTF8) :]
    try:
        _is_json(content)  # and does not look into strings
        _ = content.isascii() or content.decode()
    except UNREADABLE as exc:
        raise body.not_json(content, exc) from exc
    return content


def _checked_xml(content: bytes, charset: str) -> bytes:
    from actorkit.event import xml

    root, encoding = xml.parse_document(content, charset or None)
    # What travels on is read without the header, so it must say its encoding itself.
    if not charset and (encoding is None or encoding.lower() in ("utf-8", "us-ascii")):
        return content
    return xml.serialise(root)


def query(text: str, charset: str = "utf-8") -> dict[str, list[str]]:
    """The parameters of a query, every value kept.

    Raises:
        MalformedEvent: there are too many, or one is not of the charset.
    """
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding=charset, errors="strict")
    except UnicodeError as exc:
        raise MalformedEvent(f"a field of the query or form is not {charset}: {exc}") from exc
    except ValueError as exc:
        raise MalformedEvent(f"the query or form has more than {MAX_FIELDS} fields") from exc
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _form(content: bytes, charset: str) -> bytes:
    if len(content) > MAX_FORM_BYTES:
        raise BodyTooLarge(f"a form may have {MAX_FORM_BYTES} bytes; send more as multipart/form-data")
    if charset.startswith("utf-16"):
        raise UnsupportedMediaType(f"a form in {charset} is not taken here; send it in utf-8")
    return msgspec.json.encode(query(_utf8(content, charset).decode(), charset))


def _form_of(content: bytes, charset: str, forms: Forms) -> tuple[str, bytes]:
    """A form as itself, or the document that it wraps; what wraps none stays a form."""
    wanted = form.write(msgspec.json.decode(_form(content, charset), type=form.Form))
    found = form.unwrap(wanted) if forms == "unwrap" else None
    if found is None:
        return body.FORM, wanted
    format_, document = found
    return format_, _checked_json(document, "utf-8") if format_ == body.JSON else _checked_xml(document, "utf-8")


def _multipart(header: str, content: bytes, charset: str) -> bytes:
    if charset != "utf-8":
        raise UnsupportedMediaType(f"a form with parts in {charset} is not taken here; send it in utf-8")
    parser = FormDataParser(_in_memory, max_form_memory_size=None, max_form_parts=MAX_FIELDS, silent=False)
    options = parse_options_header(header)[1]
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
