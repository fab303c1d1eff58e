"""XSLT 1.0 transformations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from lxml import etree
from msgspec import Meta

from actorkit import Actor, Event, XMLEvent
from actorkit.errors import ConversionError, MalformedEvent, SettingsError
from actorkit.event import xml
from actorkit.params import Problem

#: What a stylesheet may read and write.
_NOTHING: Final[Any] = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]  # the stubs lack it

_XSL: Final = "{http://www.w3.org/1999/XSL/Transform}"


class XSLT(Actor):
    """Transforms the data with a stylesheet.

    The stylesheet sees the event's document and nothing else: `document()` (of "" too), `xsl:include` and `xsl:import`
    reach nothing; a table inside the stylesheet is read with `exsl:node-set`. With `<xsl:output method="text"/>` or
    `"html"` the new data is text. An `<xsl:message terminate="yes">` makes the event fail with the message; other
    messages are logged.
    """

    class Params(Actor.Params, frozen=True, kw_only=True):
        stylesheet: Annotated[str, Meta(description="the XSLT 1.0 stylesheet", extra={"file": True})]
        values: Annotated[dict[str, str], Meta(description="texts for the stylesheet's top-level xsl:param")] = {}

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            compiled(params.stylesheet)
        except SettingsError as exc:
            yield Problem("stylesheet", str(exc).removeprefix("stylesheet: "))

    def setup(self) -> None:
        """Compile the stylesheet.

        Raises:
            SettingsError: it is no stylesheet; the message says where.
        """
        self._transform, self._method = compiled(self.params.stylesheet)
        self._values = {name: etree.XSLT.strparam(value) for name, value in self.params.values.items()}

    def consume(self, event: XMLEvent) -> Event:
        """Transform the event's data.

        Raises:
            MalformedEvent: the stylesheet stopped with a message, or could not go on.
        """
        try:
            result = self._transform(event.data, **self._values)
        except etree.XSLTApplyError as exc:
            raise MalformedEvent(_reason(exc)) from exc
        for entry in self._transform.error_log:
            self.log.info("stylesheet: %s", _one_line(entry.message))
        root = result.getroot()
        textual = self._method in ("text", "html") or root is None
        if not textual:
            return event.replace(root)
        transformed = event.convert(Event).replace(str(result))
        if self._method == "html" and transformed.http is not None:
            transformed.http.reply_headers.append(("Content-Type", "text/html; charset=utf-8"))
        return transformed


def compiled(stylesheet: str) -> tuple[Any, str]:
    """The transformation, and the output method, of a stylesheet.

    Raises:
        SettingsError: it is no stylesheet; the message says where.
    """
    try:
        sheet = xml.parse(stylesheet.encode(), "utf-8")
        # libxslt asks nobody before it reads these.
        for other in sheet.iter(f"{_XSL}include", f"{_XSL}import"):
            raise ConversionError(f"line {other.sourceline}: nothing can be included; write all into one stylesheet")
        transform = etree.XSLT(sheet, access_control=_NOTHING)
    except (ConversionError, etree.XSLTParseError) as exc:
        raise SettingsError(f"stylesheet: {_one_line(str(exc))}") from exc
    output = sheet.find(f"{_XSL}output")
    return transform, output.get("method", "xml") if output is not None else "xml"


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
