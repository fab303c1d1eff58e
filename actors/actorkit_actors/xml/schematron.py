"""ISO Schematron, by XSLT 1.0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final

from lxml import etree, isoschematron  # type: ignore[attr-defined]  # the stubs lack it
from msgspec import Meta

from actorkit import Actor, ErrorMessage, Event, XMLEvent
from actorkit.errors import ConversionError, MalformedEvent, SettingsError
from actorkit.event import xml
from actorkit.params import Problem
from actorkit_actors.xml.size import DEFAULT_MAX_ELEMENTS, MaxElements, refuse_large

#: What the tests of a schema may read and write.
_NOTHING: Final[Any] = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]  # the stubs lack it

_SCH: Final = "{http://purl.oclc.org/dsdl/schematron}"
_SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"

#: Longest message about one mistake, in characters.
_MAX_MESSAGE: Final = 1000


class Schematron(Actor):
    """Lets XML by that keeps the rules of a Schematron schema.

    What keeps them goes on as it came, byte for byte; JSON is looked at as the XML that it stands for, and goes on as
    JSON. Tests are XPath 1.0; they read nothing but the document, and a schema includes nothing. `report` counts as a
    mistake too, unless `reports: false`.

    Failures:
        MalformedEvent (400): an `assert` failed, or a `report` is true; a message for each, its text as the schema says
            it, its `id` as the code, and `location` and `test` among the details. Or the document is too large.
        ConversionError (400): the data is not XML, and cannot become XML.
    """

    NAME: ClassVar[str] = "schematron"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        schema: Annotated[str, Meta(description="the Schematron schema", extra={"file": True})]
        phase: Annotated[str, Meta(description="phase of the schema that is run; empty: all patterns")] = ""
        reports: Annotated[bool, Meta(description="whether a report that is true is a mistake")] = True
        max_errors: Annotated[int, Meta(ge=1, le=1000, description="mistakes of one event that are told")] = 20
        max_elements: MaxElements = DEFAULT_MAX_ELEMENTS

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            compile_schema(params.schema, params.phase)
        except SettingsError as exc:
            yield Problem("schema", exc.message.removeprefix("schema: "))

    def setup(self) -> None:
        """Compile the schema.

        Raises:
            SettingsError: it is no schema; the message says where.
        """
        self._rules = compile_schema(self.params.schema, self.params.phase)
        names = ("failed-assert", "successful-report") if self.params.reports else ("failed-assert",)
        self._mistakes = [f"{_SVRL}{name}" for name in names]

    def consume(self, event: XMLEvent) -> Event:
        """Look at the event's data.

        Raises:
            MalformedEvent: it does not keep the rules.
        """
        refuse_large(event.data, self.params.max_elements)
        try:
            result = self._rules(event.data)
        except etree.XSLTApplyError as exc:
            raise MalformedEvent(f"the rules cannot be tried: {' '.join(str(exc).split())[:_MAX_MESSAGE]}") from exc
        found = [_message(one) for one in result.getroot().iter(*self._mistakes)]
        if found:
            raise MalformedEvent(found[: self.params.max_errors])
        return event.as_it_came()


def compile_schema(schema: str, phase: str = "") -> Any:
    """Compile a schema.

    Raises:
        SettingsError: it is no schema; the message says where.
    """
    try:
        root = xml.parse(schema.encode(), "utf-8")
        for other in root.iter(f"{_SCH}include", f"{_SCH}extends"):
            if other.tag == f"{_SCH}include" or other.get("href"):
                raise ConversionError(f"line {other.sourceline}: nothing can be included; write all into one schema")
        rules = isoschematron.Schematron(root, phase=phase or None, store_xslt=True).validator_xslt
        return etree.XSLT(rules.getroot(), access_control=_NOTHING)
    except (ConversionError, etree.LxmlError) as exc:
        raise SettingsError(f"schema: {' '.join(str(exc).split())}") from exc


def _message(mistake: Any) -> ErrorMessage:
    text = " ".join("".join(mistake.itertext()).split()) or f"the test {mistake.get('test')} fails"
    details = {"location": mistake.get("location", ""), "test": mistake.get("test", "")}
    return ErrorMessage(text[:_MAX_MESSAGE], mistake.get("id", ""), details)
