"""XML Schema 1.0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Final

from lxml import etree
from msgspec import Meta

from actorkit import Actor, ErrorMessage, Event, XMLEvent
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.params import Problem
from actorkit_actors.xml import included

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_INCLUDES: Final = {f"{_XS}{name}": "schemaLocation" for name in ("include", "import", "redefine")}

#: Longest message about one mistake, in characters: libxml2 quotes what it does not like.
_MAX_MESSAGE: Final = 1000


class XSD(Actor):
    """Lets XML by that is valid by an XML Schema.

    What is valid goes on as it came, byte for byte. JSON is looked at as the XML that it stands for, and goes on as
    JSON. Without a schema everything that is well-formed XML goes on.

    `xs:include`, `xs:import` and `xs:redefine` reach the documents in `includes`, by name, and nothing else; what an
    event names in `xsi:schemaLocation` is never read.

    Failures:
        MalformedEvent (400): the data is not valid; a message for each mistake, with `line` among its details.
        ConversionError (400): the data is not XML, and cannot become XML.
    """

    NAME: ClassVar[str] = "xsd"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        schema: Annotated[
            str, Meta(description="the XML Schema 1.0; empty: XML only has to be well-formed", extra={"file": True})
        ] = ""
        includes: Annotated[
            dict[str, str], Meta(description="schemas that the schema may include: schemaLocation → schema")
        ] = {}
        max_errors: Annotated[int, Meta(ge=1, le=1000, description="mistakes of one event that are told")] = 20

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            compile_schema(params.schema, params.includes)
        except SettingsError as exc:
            path, _, message = str(exc).partition(": ")
            yield Problem(path, message)

    def setup(self) -> None:
        """Compile the schema.

        Raises:
            SettingsError: it is no schema; the message says where.
        """
        #: Compiled schemas that nobody uses. A schema keeps what it found last, so each thread has one of its own.
        self._spare = [self._compile()]

    def _compile(self) -> Any:
        return compile_schema(self.params.schema, self.params.includes)

    def consume(self, event: XMLEvent) -> Event:
        """Look at the event's data.

        Raises:
            MalformedEvent: it is not valid.
        """
        schema = self._spare.pop() if self._spare else self._compile()
        try:
            root = event.data
            if schema is not None and not schema.validate(root):
                raise _invalid(schema.error_log, self.params.max_errors)
        finally:
            self._spare.append(schema)
        return event.as_it_came()


def compile_schema(schema: str, includes: Mapping[str, str]) -> Any:
    """Compile a schema; None for no schema.

    Raises:
        SettingsError: it is no schema; the message begins with the parameter, and says where.
    """
    if not schema:
        return None
    root = included.ready(*included.read(schema, includes, _INCLUDES, "schema", "includes"))
    try:
        return etree.XMLSchema(root)
    except etree.XMLSchemaParseError as exc:
        raise SettingsError(f"schema: {' '.join(str(exc).split())}") from exc


def _invalid(log: Any, most: int) -> MalformedEvent:
    found = [
        ErrorMessage(_short(f"line {entry.line}: {entry.message}"), entry.type_name, {"line": entry.line})
        for entry in list(log)[:most]
    ]
    return MalformedEvent(found or ["the data is not valid"])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}…"
