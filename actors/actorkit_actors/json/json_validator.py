"""JSON Schema, drafts 4 to 2020-12.

The library is jsonschema-rs: its patterns are matched in time by the length of the text, whatever the text is, which
Python's `re` cannot promise; and it is told to fetch nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any, ClassVar, Final, Literal

import jsonschema_rs
from msgspec import Meta

from actorkit import Actor, ErrorMessage, Event, JSONEvent
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.params import Problem

_VALIDATORS: Final[dict[str, Any]] = {
    "auto": jsonschema_rs.validator_for,
    "4": jsonschema_rs.Draft4Validator,
    "6": jsonschema_rs.Draft6Validator,
    "7": jsonschema_rs.Draft7Validator,
    "2019-09": jsonschema_rs.Draft201909Validator,
    "2020-12": jsonschema_rs.Draft202012Validator,
}

#: What a schema in `schemas` is read as, where its $schema says nothing.
_DRAFTS: Final[dict[str, int | None]] = {
    "auto": None,
    "4": jsonschema_rs.Draft4,
    "6": jsonschema_rs.Draft6,
    "7": jsonschema_rs.Draft7,
    "2019-09": jsonschema_rs.Draft201909,
    "2020-12": jsonschema_rs.Draft202012,
}

#: Longest message about one mistake, in characters: it quotes the value.
_MAX_MESSAGE: Final = 1000


class JSONValidator(Actor):
    """Lets JSON by that is valid by a JSON Schema.

    What is valid goes on as it came, byte for byte. XML is looked at as the JSON that it stands for, and goes on as
    XML.

    `$ref` reaches the schema itself and `schemas`, by their addresses, and nothing else: no file and no network. A
    `pattern` takes time by the length of the text; one that needs backtracking is given up after a million steps, and
    then it does not match.

    Failures:
        MalformedEvent (400): the data is not valid; a message for each mistake. It begins with the place as a JSON
            Pointer; the keyword is the code, and `path` and `schema_path` are among the details.
        ConversionError (400): the data is not JSON, and cannot become JSON.
    """

    NAME: ClassVar[str] = "json-validator"
    EXTRA: ClassVar[str] = "json"

    class Params(Actor.Params, frozen=True, kw_only=True):
        schema: Annotated[dict[str, Any] | bool, Meta(description="the JSON Schema; for a file", extra={"file": True})]
        draft: Annotated[
            Literal["auto", "4", "6", "7", "2019-09", "2020-12"],
            Meta(description="draft of the schema; auto: what its $schema says, else 2020-12"),
        ] = "auto"
        schemas: Annotated[
            dict[str, dict[str, Any] | bool], Meta(description="schemas that $ref may name: address → schema")
        ] = {}
        formats: Annotated[bool, Meta(description="whether format is looked at")] = True
        max_errors: Annotated[int, Meta(ge=1, le=1000, description="mistakes of one event that are told")] = 20

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            compile_schema(params)
        except SettingsError as exc:
            yield Problem("schema", str(exc).removeprefix("schema: "))

    def setup(self) -> None:
        """Compile the schema.

        Raises:
            SettingsError: it is no schema; the message says where.
        """
        self._schema = compile_schema(self.params)

    def consume(self, event: JSONEvent) -> Event:
        """Look at the event's data.

        Raises:
            MalformedEvent: it is not valid.
        """
        found = list(islice(self._schema.iter_errors(event.data), self.params.max_errors))
        if found:
            raise MalformedEvent([_message(error) for error in found])
        return event.as_it_came()


def compile_schema(params: JSONValidator.Params) -> Any:
    """Compile a schema.

    Raises:
        SettingsError: it is no schema, or refers to what is not there.
    """
    try:
        registry = (
            jsonschema_rs.Registry(list(params.schemas.items()), draft=_DRAFTS[params.draft], retriever=_refuse)
            if params.schemas
            else None
        )
        return _VALIDATORS[params.draft](
            params.schema,
            validate_formats=params.formats,
            registry=registry,
            retriever=_refuse,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=1_000_000),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as exc:
        where = _pointer(getattr(exc, "instance_path", []))
        said = " ".join(str(getattr(exc, "message", exc)).split())
        raise SettingsError(f"schema: {where + ': ' if where else ''}{said[:_MAX_MESSAGE]}") from exc


def _refuse(address: str) -> Any:
    raise ValueError(f'"{address}" is not among schemas, and nothing is fetched')


def _message(error: Any) -> ErrorMessage:
    where, keyword = _pointer(error.instance_path), str(error.schema_path[-1]) if error.schema_path else "false"
    text = f"{where}: {error.message}" if where else str(error.message)
    text = text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}…"
    return ErrorMessage(text, keyword, {"path": where, "schema_path": _pointer(error.schema_path)})


def _pointer(path: Iterable[str | int]) -> str:
    """A path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
