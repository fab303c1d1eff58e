"""XSLT 1.0 transformations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from lxml import etree
from msgspec import Meta

from actorkit import Actor, Event, XMLEvent
from actorkit.errors import ConversionError, MalformedEvent, SettingsError, UnsendableData
from actorkit.event import xml
from actorkit.params import Problem

#: What a stylesheet may read and write.
_NOTHING: Final[Any] = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]  # the stubs lack it

_XSL: Final = "{http://www.w3.org/1999/XSL/Transform}"


#: Whether the top of a result holds more than one element, its comments and its processing instructions.
_MORE_THAN_A_ROOT: Final = etree.XPath("boolean(/*[2] | /text()[normalize-space()])")
_TEXT_BEFORE: Final = etree.XPath("boolean(/text()[normalize-space()][following-sibling::*])")


class XSLT(Actor):
    """Transforms the data with a stylesheet.

    The stylesheet sees the event's document and nothing else: `document()` (of "" too), `xsl:include` and `xsl:import`
    reach nothing; a table inside the stylesheet is read with `exsl:node-set`. With the output method `text` or `html`
    the new data is text, with `xml` an element, or text where there is none; without a method it is `html` where the
    root is. An `<xsl:message terminate="yes">` makes the event fail with the message; other messages are logged.

    Failures:
        MalformedEvent (400): the stylesheet stopped with a message or could not go on; or the data is no XML.
        UnsendableData (500): the result is no XML document.
    """

    NAME: ClassVar[str] = "xslt"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        stylesheet: Annotated[str, Meta(description="the XSLT 1.0 stylesheet", extra={"file": True})]
        values: Annotated[dict[str, str], Meta(description="texts for the stylesheet's top-level xsl:param")] = {}

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            compile_stylesheet(params.stylesheet)
        except SettingsError as exc:
            yield Problem("stylesheet", str(exc).removeprefix("stylesheet: "))

    def setup(self) -> None:
        """Compile the stylesheet.

        Raises:
            SettingsError: it is no stylesheet; the message says where.
        """
        self._sheet = compile_stylesheet(self.params.stylesheet)
        self._values = {name: etree.XSLT.strparam(value) for name, value in self.params.values.items()}

    def consume(self, event: XMLEvent) -> Event:
        """Transform the event's data.

        Raises:
            MalformedEvent: the stylesheet stopped with a message, or could not go on.
            UnsendableData: the result is no XML document.
        """
        transform = self._sheet.transform
        result = self._apply(transform, event)
        for entry in transform.error_log:
            self.log.info("stylesheet: %s", _one_line(entry.message))
        root = result.getroot()
        method = self._sheet.method or ("html" if _is_html(root) else "xml")
        if method != "xml":
            return _text(event, str(result), method)
        if self._sheet.unescaped:
            root = _reparse(result, root)
        elif root is not None and _MORE_THAN_A_ROOT(root):
            raise UnsendableData(
                "the result has more than one element, or text, at its top; write one element around all of it, or "
                'choose <xsl:output method="text"/>'
            )
        if root is None:
            return _text(event, str(self._apply(self._sheet.as_text, event)), "text")
        return event.replace(root)

    def _apply(self, transform: Any, event: XMLEvent) -> Any:
        try:
            return transform(event.data, **self._values)
        except etree.XSLTApplyError as exc:
            raise MalformedEvent(_reason(exc)) from exc


def _text(event: XMLEvent, text: str, method: str) -> Event:
    transformed = event.convert(Event).replace(text)
    if method == "html" and transformed.http is not None:
        transformed.http.reply_headers.append(("Content-Type", "text/html; charset=utf-8"))
    return transformed


def _is_html(root: Any) -> bool:
    """Whether a result without output method is HTML (XSLT 1.0 §16)."""
    return root is not None and root.tag.lower() == "html" and not _TEXT_BEFORE(root)


def _reparse(result: Any, root: Any) -> Any:
    """The root of a result that holds unescaped text, which may be markup; None where it is a text.

    Raises:
        UnsendableData: with that text it is not XML.
    """
    try:
        return xml.parse(str(result).encode(), "utf-8")
    except ConversionError as exc:
        if root is None:
            return None
        reason = exc.message.removeprefix("the data is not XML: ")
        raise UnsendableData(f"the result, with what disable-output-escaping puts in, is not XML: {reason}") from exc


@dataclass(frozen=True)
class Sheet:
    """A stylesheet that can be applied. `method` is "" where it names none; `as_text` is the same with the method text;
    `unescaped` tells whether it may write text without escaping it."""

    transform: Any
    method: str
    unescaped: bool
    as_text: Any


def compile_stylesheet(stylesheet: str) -> Sheet:
    """Compile a stylesheet.

    Raises:
        SettingsError: it is no stylesheet; the message says where.
    """
    try:
        sheet = xml.parse(stylesheet.encode(), "utf-8")
        # libxslt asks nobody before it reads these.
        for other in sheet.iter(f"{_XSL}include", f"{_XSL}import"):
            raise ConversionError(f"line {other.sourceline}: nothing can be included; write all into one stylesheet")
        method = _output(sheet)
        transform = etree.XSLT(sheet, access_control=_NOTHING)
        unescaped = bool(sheet.xpath("boolean(//@disable-output-escaping[normalize-space() = 'yes'])"))
        if sheet.tag in (f"{_XSL}stylesheet", f"{_XSL}transform"):
            sheet.append(sheet.makeelement(f"{_XSL}output", method="text"))
        as_text = etree.XSLT(sheet, access_control=_NOTHING)
    except (ConversionError, etree.XSLTParseError) as exc:
        raise SettingsError(f"stylesheet: {_one_line(str(exc))}") from exc
    return Sheet(transform, method, unescaped, as_text)


def _output(sheet: Any) -> str:
    """The output method of a stylesheet, "" for none. All `xsl:output` are one, the last one counts (XSLT 1.0 §16).
    Their encoding becomes UTF-8, which is what the data of an event is written in."""
    method = ""
    for output in sheet.findall(f"{_XSL}output"):
        encoding, given = output.get("encoding"), output.get("method")
        if encoding is not None and not _is_known(encoding):
            raise ConversionError(f'line {output.sourceline}: there is no encoding "{encoding}"; write UTF-8')
        if given is not None and given not in ("xml", "html", "text"):
            raise ConversionError(f'line {output.sourceline}: there is no output method "{given}"; xml, html or text')
        output.set("encoding", "UTF-8")
        method = given or method
    return method


def _is_known(encoding: str) -> bool:
    try:
        "x".encode(encoding)
    except (LookupError, UnicodeError):
        return False
    return True


def _reason(exc: etree.XSLTApplyError) -> str:
    """What the last `xsl:message` said, or what libxslt says about an error: the entries after its first "runtime
    error", and those of XPath before it."""
    entries = list(exc.error_log)
    first = next((index for index, entry in enumerate(entries) if entry.message.startswith("runtime error")), None)
    if first is None:
        return _one_line(entries[-1].message if entries else "") or "the stylesheet stopped without a message"
    found = [entry.message for entry in entries[:first] if entry.domain_name == "XPATH"]
    found += [entry.message for entry in entries[first + 1 :] if entry.message not in ("", "unknown error")]
    return _one_line((found or [entries[first].message])[0]).replace("string://__STRING__XSLT__", "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
