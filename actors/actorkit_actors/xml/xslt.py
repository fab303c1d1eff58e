"""XSLT 1.0 transformations. What a stylesheet is, is in stylesheet.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final

from lxml import etree
from msgspec import Meta

from actorkit import Actor, Event, XMLEvent
from actorkit.errors import ConversionError, MalformedEvent, SettingsError, UnsendableData
from actorkit.event import xml
from actorkit.params import Problem
from actorkit_actors.xml import stylesheet
from actorkit_actors.xml.size import MaxElements, refuse_large
from actorkit_actors.xml.stylesheet import Sheet, one_line

#: Whether the top of a result holds more than one element, its comments and its processing instructions.
_MORE_THAN_A_ROOT: Final = etree.XPath("boolean(/*[2] | /text()[normalize-space()])", regexp=False)
_TEXT_BEFORE: Final = etree.XPath("boolean(/text()[normalize-space()][following-sibling::*])", regexp=False)


class XSLT(Actor):
    """Transforms the data with a stylesheet.

    There is one, `stylesheet`, or several, `sheets`, by name: `{folder: xsl}` takes all files of a folder. The event's
    attribute that `chosen_by` names says which one; the name may do without ".xsl". Without that attribute it is
    `stylesheet`. `xsl:include` and `xsl:import` reach the other `sheets`, by name, and nothing else; a sheet that
    another one includes is not chosen by itself.

    A stylesheet sees the event's document and nothing else: `document()` (of "" too) reaches nothing; a table inside
    the stylesheet is read with `exsl:node-set`. With the output method `text` or `html`
    the new data is text, with `xml` an element, or text where there is none; without a method it is `html` where the
    root is. An `<xsl:message terminate="yes">` makes the event fail with the message; other messages are logged.

    Failures:
        MalformedEvent (400): the stylesheet stopped with a message, or could not go on; the event chooses a sheet that
            is not there; its document is too large.
        UnsendableData (500): the result is no XML document.
    """

    NAME: ClassVar[str] = "xslt"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        stylesheet: Annotated[
            str,
            Meta(description="the XSLT 1.0 stylesheet; required unless there are sheets", extra={"file": True}),
        ] = ""
        sheets: Annotated[
            dict[str, str], Meta(description="stylesheets by name, to be chosen or included by others; may be a folder")
        ] = {}
        chosen_by: Annotated[str, Meta(description="attribute of the event that names its sheet")] = ""
        values: Annotated[dict[str, str], Meta(description="texts for the stylesheet's top-level xsl:param")] = {}
        max_elements: MaxElements = 0

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            compile_sheets(params)
        except SettingsError as exc:
            path, _, message = str(exc).partition(": ")
            yield Problem(path, message)

    def setup(self) -> None:
        """Compile the stylesheets.

        Raises:
            SettingsError: one is no stylesheet; the message says where.
        """
        self._sheets = compile_sheets(self.params)
        self._values = {name: etree.XSLT.strparam(value) for name, value in self.params.values.items()}

    def consume(self, event: XMLEvent) -> Event:
        """Transform the event's data.

        Raises:
            MalformedEvent: the stylesheet stopped with a message, or could not go on.
            UnsendableData: the result is no XML document.
        """
        refuse_large(event.data, self.params.max_elements)
        sheet = self._choose(event)
        transform = sheet.transform
        result = self._apply(transform, event)
        for entry in transform.error_log:
            self.log.info("stylesheet: %s", one_line(entry.message))
        root = result.getroot()
        method = sheet.method or ("html" if _is_html(root) else "xml")
        if method != "xml":
            return _text(event, str(result), method)
        if sheet.unescaped:
            root = _reparse(result, root)
        elif root is not None and _MORE_THAN_A_ROOT(root):
            raise UnsendableData(
                "the result has more than one element, or text, at its top; write one element around all of it, or "
                'choose <xsl:output method="text"/>'
            )
        if root is None:
            return _text(event, str(self._apply(sheet.as_text, event)), "text")
        return event.replace(root)

    def _choose(self, event: Event) -> Sheet:
        name = event.get(self.params.chosen_by, "") if self.params.chosen_by else ""
        sheets = self._sheets
        found = sheets.get(name) or sheets.get(f"{name}.xsl") if isinstance(name, str) else None
        if found is None:
            raise MalformedEvent(f'there is no stylesheet "{name}" here' if name else "the event names no stylesheet")
        return found

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


def compile_sheets(params: XSLT.Params) -> dict[str, Sheet]:
    """Name → stylesheet that an event may choose; "" is the one of an event that chooses none.

    Raises:
        SettingsError: there is none, or one is no stylesheet; the message begins with the parameter, and says where.
    """
    given = params.sheets
    if not params.stylesheet and not given:
        raise SettingsError("stylesheet: give a stylesheet, or sheets")
    if given and not params.stylesheet and not params.chosen_by:
        raise SettingsError("chosen_by: name the attribute that chooses among sheets, or give a stylesheet")
    whole = {"": stylesheet.compile_stylesheet(params.stylesheet, given)} if params.stylesheet else {}
    parts = stylesheet.parts(given)
    whole |= {
        name: stylesheet.compile_stylesheet(text, given, f'sheets: "{name}"')
        for name, text in given.items()
        if name not in parts and params.chosen_by
    }
    return whole


def _reason(exc: etree.XSLTApplyError) -> str:
    """What the last `xsl:message` said, or what libxslt says about an error: the entries after its first "runtime
    error", and those of XPath before it."""
    entries = list(exc.error_log)
    first = next((index for index, entry in enumerate(entries) if entry.message.startswith("runtime error")), None)
    if first is None:
        return one_line(entries[-1].message if entries else "") or "the stylesheet stopped without a message"
    found = [entry.message for entry in entries[:first] if entry.domain_name == "XPATH"]
    found += [entry.message for entry in entries[first + 1 :] if entry.message not in ("", "unknown error")]
    return one_line((found or [entries[first].message])[0]).replace("string://__STRING__XSLT__", "")
