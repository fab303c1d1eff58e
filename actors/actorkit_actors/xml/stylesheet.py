"""A stylesheet, compiled, and what is known about its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from actorkit.errors import ConversionError, SettingsError
from actorkit.event import xml
from actorkit_actors.xml import included

#: What a stylesheet may read and write.
_NOTHING: Final[Any] = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]  # the stubs lack it

_XSL: Final = "{http://www.w3.org/1999/XSL/Transform}"
_INCLUDES: Final = {f"{_XSL}include": "href", f"{_XSL}import": "href"}


@dataclass(frozen=True)
class Sheet:
    """A stylesheet that can be applied. `method` is "" where it names none; `as_text` is the same with the method text;
    `unescaped` tells whether it may write text without escaping it."""

    transform: Any
    method: str
    unescaped: bool
    as_text: Any


def compile_stylesheet(stylesheet: str, given: Mapping[str, str] | None = None, parameter: str = "stylesheet") -> Sheet:
    """Compile a stylesheet; `given` is what it may include, by name.

    Raises:
        SettingsError: it is no stylesheet; the message begins with the parameter, and says where.
    """
    root, others = included.read(stylesheet, given or {}, _INCLUDES, parameter, "sheets")
    try:
        method = ""
        for output in _outputs(root, others, set()):
            method = _method(output) or method
        transform = etree.XSLT(included.ready(root, others), access_control=_NOTHING)
        unescaped = any(_writes_unescaped(one) for one in (root, *others.values()))
        if root.tag in (f"{_XSL}stylesheet", f"{_XSL}transform"):
            root.append(root.makeelement(f"{_XSL}output", method="text"))
        as_text = etree.XSLT(included.ready(root, others), access_control=_NOTHING)
    except (ConversionError, etree.XSLTParseError) as exc:
        raise SettingsError(f"{parameter}: {one_line(str(exc))}") from exc
    return Sheet(transform, method, unescaped, as_text)


def parts(given: Mapping[str, str]) -> set[str]:
    """The names of those that another one includes. What cannot be read names none: to compile it tells."""
    found = set()
    for text in given.values():
        try:
            root = xml.parse(text.encode(), "utf-8")
        except ConversionError:
            continue
        found |= {str(element.get("href")) for element in root.iter(*_INCLUDES)}
    return found


def _outputs(root: Any, others: Mapping[str, Any], seen: set[str]) -> Iterator[Any]:
    """Every `xsl:output` of a stylesheet and of what it includes, the one that counts most last. What is imported
    counts less than what follows it, and that is where it stands (XSLT 1.0 §2.6.2)."""
    for child in root:
        if child.tag == f"{_XSL}output":
            yield child
        elif child.tag in _INCLUDES and (address := child.get("href")) in others and address not in seen:
            yield from _outputs(others[address], others, {*seen, address})


def _writes_unescaped(root: Any) -> bool:
    return bool(root.xpath("boolean(//@disable-output-escaping[normalize-space() = 'yes'])"))


def _method(output: Any) -> str:
    """The method that an `xsl:output` names, "" for none. All are one, the last one counts (XSLT 1.0 §16). Their
    encoding becomes UTF-8, which is what the data of an event is written in."""
    encoding, given = output.get("encoding"), output.get("method")
    if encoding is not None and not _is_known(encoding):
        raise ConversionError(f'line {output.sourceline}: there is no encoding "{encoding}"; write UTF-8')
    if given is not None and given not in ("xml", "html", "text"):
        raise ConversionError(f'line {output.sourceline}: there is no output method "{given}"; xml, html or text')
    output.set("encoding", "UTF-8")
    return given or ""


def _is_known(encoding: str) -> bool:
    try:
        "x".encode(encoding)
    except (LookupError, UnicodeError):
        return False
    return True


def one_line(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())
