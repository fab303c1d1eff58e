from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import Event, JSONEvent, XMLEvent, params
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.json.json_validator import JSONValidator

SCHEMA = {
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"type": "number"}, "a/b~c": {"items": {"enum": ["x", None]}}, "at": {"format": "date"}},
}


def failure(harness: Harness[Any], data: Any) -> Any:
    harness.put(data if isinstance(data, Event) else JSONEvent(data))
    [failed] = harness.errors
    assert harness.taken() == []
    return failed.failure


def test_what_is_valid_goes_on_byte_for_byte() -> None:
    harness = Harness(JSONValidator, schema=SCHEMA)
    event = Event('{"total" : 1e2}', attributes={"a": 1})
    harness.put(event)
    [passed] = harness.taken()
    assert passed.encoded() == ("t", b'{"total" : 1e2}')
    assert (passed.trace, passed.get("a")) == (event.trace, 1)


def test_xml_is_looked_at_as_json_and_goes_on_as_xml() -> None:
    harness = Harness(JSONValidator, schema={"required": ["order"]})
    harness.put(XMLEvent("<order><total>1</total></order>"))
    assert harness.taken()[0].text() == "<order><total>1</total></order>"
    assert failure(harness, XMLEvent("<invoice/>")).errors[0].code == "required"


def test_each_mistake_is_told_with_its_place_and_without_a_word_of_python() -> None:
    found = failure(Harness(JSONValidator, schema=SCHEMA), {"total": None, "a/b~c": ["x", "ü'", True]})
    assert (found.kind, found.status) == ("MalformedEvent", 400)
    assert [(error.message, error.code, error.details["path"]) for error in found.errors] == [
        ('/total: null is not of type "number"', "type", "/total"),
        ('/a~1b~0c/1: "ü\'" is not one of "x" or null', "enum", "/a~1b~0c/1"),
        ('/a~1b~0c/2: true is not one of "x" or null', "enum", "/a~1b~0c/2"),
    ]
    assert found.errors[1].details["schema_path"] == "/properties/a~1b~0c/items/enum"
    assert failure(Harness(JSONValidator, schema=SCHEMA), {}).message == '"total" is a required property'
    assert failure(Harness(JSONValidator, schema=False), 1).status == 400


def test_no_more_mistakes_are_told_than_max_errors_and_none_is_long() -> None:
    harness = Harness(JSONValidator, schema={"items": {"type": "null"}}, max_errors=3)
    assert len(failure(harness, list(range(100_000))).errors) == 3
    assert len(failure(harness, ["x" * 100_000]).message) < 1100


def test_formats_are_looked_at_unless_they_are_not_wanted() -> None:
    data = {"total": 1, "at": "yesterday"}
    assert failure(Harness(JSONValidator, schema=SCHEMA), data).errors[0].code == "format"
    harness = Harness(JSONValidator, schema=SCHEMA, formats=False)
    harness.put(JSONEvent(data))
    assert len(harness.taken()) == 1


@pytest.mark.parametrize(
    ("draft", "valid"), [("4", False), ("6", True), ("7", True), ("2019-09", True), ("2020-12", True), ("auto", True)]
)
def test_the_draft_decides_what_a_keyword_means(draft: str, valid: bool) -> None:
    harness = Harness(JSONValidator, schema={"type": "integer"}, draft=draft)
    harness.put(Event("1.0"))  # a whole number since draft 6
    assert bool(harness.taken()) == valid


def test_schema_names_its_draft() -> None:
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer"}
    harness = Harness(JSONValidator, schema=schema)
    harness.put(Event("1.0"))
    assert len(harness.errors) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"schema": {"type": "nothing"}}, "schema: /type: "),
        ({"schema": {"pattern": "("}}, "schema: "),
        ({"schema": {"$ref": "#/nowhere"}}, "nowhere"),
        ({"schema": {"$ref": "http://127.0.0.1:1/x"}}, '"http://127.0.0.1:1/x" is not among schemas'),
        ({"schema": {"$ref": "file:///etc/passwd"}}, "is not among schemas, and nothing is fetched"),
        ({"schema": {"$ref": "a"}, "schemas": {"b": {}}}, "schema: "),
        ({"schema": {"$schema": "http://127.0.0.1:1/meta"}}, "schema: "),
        ({"schema": {"$ref": "urn:a"}, "schemas": {"urn:a": {"type": 7}}}, "schema: "),
    ],
)
def test_a_schema_that_is_none_is_found_before_the_first_event(given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Harness(JSONValidator, **given)
    assert says in str(caught.value)
    [problem] = JSONValidator.check(params.build(JSONValidator.Params, given))
    assert problem.path == "schema"
    assert "\n" not in problem.message


def test_a_schema_may_stand_in_a_file_and_refer_to_those_that_are_given(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text('{"properties": {"a": {"$ref": "https://example.org/item"}}}')
    harness = Harness(
        JSONValidator, schema={"file": str(path)}, schemas={"https://example.org/item": {"type": "string"}}
    )
    harness.put(JSONEvent({"a": "x"}))
    assert len(harness.taken()) == 1
    assert failure(harness, {"a": 1}).message == '/a: 1 is not of type "string"'


def test_nothing_is_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/s"
        with pytest.raises(SettingsError):
            Harness(JSONValidator, schema={"$ref": address})
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(?=.*1)(a|aa)+$", r"^(\w+\s?)*$", r"^(a*)*\1$"])
def test_a_pattern_that_backtracks_without_end_does_not(pattern: str) -> None:
    schema = {"pattern": pattern, "patternProperties": {pattern: {}}, "unevaluatedProperties": False}
    harness = Harness(JSONValidator, schema=schema)
    started = time.process_time()
    assert failure(harness, "1" + "a" * 50_000 + "!").errors[0].code == "pattern"
    harness.put(JSONEvent({"1" + "a" * 50_000 + "!": 1}))
    assert len(harness.errors) == 1
    assert time.process_time() - started < 10


def test_what_is_nested_deep_or_refers_to_itself_ends() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    harness = Harness(JSONValidator, schema={"$ref": "#/$defs/x", "$defs": {"x": {"items": {"$ref": "#/$defs/x"}}}})
    harness.put(JSONEvent(deep))
    harness.put(Event("[" * 100_000 + "]" * 100_000))
    assert len(harness.taken()) == 1
    assert "nested too deep" in str(harness.errors[0].failure)
    Harness(JSONValidator, schema={"$ref": "#"}).put(JSONEvent(1))


def test_numbers_of_any_size_are_looked_at() -> None:
    harness = Harness(JSONValidator, schema={"type": "integer", "multipleOf": 0.5, "minimum": 1 << 80})
    harness.put(JSONEvent(10**400))
    assert len(harness.taken()) == 1
    assert failure(harness, 1 << 79).errors[0].code == "minimum"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "ab", "2024-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
SCHEMAS: Any = st.deferred(
    lambda: (
        st.booleans()
        | st.fixed_dictionaries(
            {},
            optional={
                "type": TYPES,
                "enum": st.lists(VALUES, min_size=1, max_size=3),
                "minimum": st.integers(-3, 3),
                "maxLength": st.integers(0, 2),
                "pattern": st.sampled_from(["a", "^a$"]),
                "required": st.lists(st.sampled_from(["a", "b"]), unique=True),
                "properties": st.dictionaries(st.sampled_from(["a", "b"]), SCHEMAS, max_size=2),
                "items": SCHEMAS,
                "uniqueItems": st.booleans(),
                "additionalProperties": SCHEMAS,
                "anyOf": st.lists(SCHEMAS, min_size=1, max_size=2),
                "not": SCHEMAS,
            },
        )
    )
)


@given(SCHEMAS, VALUES, st.sampled_from(["7", "2019-09", "2020-12"]))
def test_another_library_finds_the_same(schema: Any, value: Any, draft: str) -> None:
    other = {
        "7": jsonschema.Draft7Validator,
        "2019-09": jsonschema.Draft201909Validator,
        "2020-12": jsonschema.Draft202012Validator,
    }[draft]
    harness = Harness(JSONValidator, schema=schema, draft=draft)
    harness.put(JSONEvent(value))
    assert bool(harness.taken()) == other(schema).is_valid(value)
