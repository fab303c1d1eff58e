"""The data that tests name: as bytes of a format, compared by what it means, and written to golden files."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, Final

import msgspec

from actorkit.errors import ConversionError
from actorkit.event import body
from actorkit_kit.errors import KitError
from actorkit_kit.topology.case import Data

#: A file's ending → the format of what is in it; all else is text where it is UTF-8, and bytes where it is not.
ENDINGS: Final = {".json": body.JSON, ".xml": body.XML, ".bin": body.BYTES}
#: A format → what an HTTP client says that it sends.
MEDIA_TYPES: Final = {
    body.JSON: "application/json",
    body.XML: "application/xml",
    body.FORM: "application/x-www-form-urlencoded",
    body.TEXT: "text/plain; charset=utf-8",
    body.BYTES: "application/octet-stream",
}


def content_of(data: Data) -> tuple[str, bytes]:
    """The format and the bytes.

    Raises:
        KitError: the file cannot be read.
    """
    if data.file is not None:
        try:
            content = data.file.read_bytes()
        except OSError as exc:
            raise KitError(f'the file "{data.file}" cannot be read: {exc.strerror}.') from exc
        return data.format or ENDINGS.get(data.file.suffix) or _seen(content), content
    if isinstance(data.value, str) and data.format != body.JSON:
        return data.format or body.TEXT, data.value.encode()
    if data.value is None and not data.format:
        return body.NOTHING, b""
    if data.format == body.FORM:
        return body.dump(data.value, body.FORM)
    return data.format or body.JSON, msgspec.json.encode(data.value)


def _seen(content: bytes) -> str:
    try:
        content.decode()
    except UnicodeDecodeError:
        return body.BYTES
    return body.TEXT


def is_same(wanted: tuple[str, bytes], found: tuple[str, bytes]) -> bool:
    """Whether two bodies say the same: JSON by its values, XML in its canonical form, a text without the blank lines
    around it. What is wanted tells the format."""
    format_, content = wanted
    try:
        if format_ in (body.JSON, body.FORM):
            return bool(body.load(*wanted, body.JSON) == body.load(*found, body.JSON))
        if format_ == body.XML:
            return _canonical(*wanted) == _canonical(*found)
    except ConversionError:
        return False
    return content.strip() == found[1].strip()


def _canonical(format_: str, content: bytes) -> bytes:
    from lxml import etree

    root = body.load(format_, content, body.XML)
    for element in root.iter():
        for name in ("text", "tail"):
            text = getattr(element, name)
            if text is not None and not text.strip() and (len(element) or name == "tail"):
                setattr(element, name, None)
    written: bytes = etree.tostring(root, method="c14n")
    return written


def difference_between(wanted: tuple[str, bytes], found: tuple[str, bytes]) -> str:
    """What is another in what was found, line by line, with `-` before what was wanted and `+` before what came."""
    lines = difflib.ndiff(_for_people(*wanted).splitlines(), _for_people(wanted[0], found[1]).splitlines())
    return "\n".join(f"  {line}" for line in lines if not line.startswith("?"))


def _for_people(format_: str, content: bytes) -> str:
    try:
        return _written(format_, content).decode(errors="backslashreplace")
    except ConversionError:
        return content.decode(errors="backslashreplace")


def _written(format_: str, content: bytes) -> bytes:
    """A body in the form of a golden file, in which people compare it."""
    if format_ == body.JSON:
        content = json.dumps(body.parse_json(content), indent=2, ensure_ascii=False).encode()
    elif format_ == body.XML:
        from lxml import etree

        root = body.load(format_, content, body.XML)
        etree.indent(root)
        content = etree.tostring(root, encoding="utf-8")
    return content if not content or content.endswith(b"\n") or format_ == body.BYTES else content + b"\n"


def write_golden(file: Path, format_: str, content: bytes) -> None:
    """Write what came to a golden file, in a form that people can compare.

    Raises:
        KitError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_written(format_, content))
    except OSError as exc:
        raise KitError(f'the file "{file}" cannot be written: {exc.strerror}.') from exc


def shown(value: Any) -> str:
    """A value, for people."""
    return "not there" if value is None else json.dumps(value, ensure_ascii=False)
