from __future__ import annotations

import time
from typing import Any

import pytest

from actorkit import Event, JSONEvent, XMLEvent, params
from actorkit.testing import Harness
from actorkit_actors.json.jsonpath_attributes import JSONPathAttributes

ORDER = {"a": {"b": [1, 2, {"c": None}]}, "x y": "ü", "items": [{"n": "tea", "p": 5}, {"n": "pot", "p": 30}]}


def found(path: str, data: Any = ORDER, **given: Any) -> Any:
    harness = Harness(JSONPathAttributes, attributes={"v": path}, **given)
    harness.put(JSONEvent(data, attributes={"kept": 1}))
    assert [failed.failure for failed in harness.errors] == []
    [event] = harness.taken()
    assert event.convert(JSONEvent).data == data
    assert event.get("kept") == 1
    return event.get("v")


def failure(path: str, data: Any, **given: Any) -> Any:
    harness = Harness(JSONPathAttributes, attributes={"v": path}, **given)
    harness.put(JSONEvent(data))
    assert harness.taken() == []
    return harness.errors[0].failure


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.a.b[0]", 1),
        ("$.a.b[-1]", {"c": None}),
        ("$.a.b[0:2]", [1, 2]),
        ("$['x y']", "ü"),
        ("$..n", ["tea", "pot"]),
        ("$.items[?@.p > 10].n", "pot"),
        ("$.items[?match(@.n, 't.*')].p", 5),
        ("$.items[?search(@.n, 'o')].p", 30),
        ("$.nothing", None),
        ("$.a.b[7]", None),
        ("$", ORDER),
    ],
)
def test_an_attribute_is_what_the_path_finds(path: str, value: Any) -> None:
    assert found(path) == value


@pytest.mark.parametrize("data", ['{"a": 1}', "text", 1, None, True])
def test_a_bare_value_is_what_the_root_finds_and_no_more(data: Any) -> None:
    assert found("$", data) == data
    assert found("$.a", data) is None


def test_xml_is_looked_at_as_json_and_goes_on_as_xml() -> None:
    harness = Harness(JSONPathAttributes, attributes={"v": "$.a.b"})
    harness.put(XMLEvent("<a><b>1</b></a>"))
    [event] = harness.taken()
    assert (event.get("v"), event.text()) == ("1", "<a><b>1</b></a>")


def test_what_is_not_found_fails_the_event_where_it_is_required() -> None:
    assert "finds nothing" in failure("$.x", {}, required=True).message
    assert found("$.x", {"x": None}, required=True) is None


@pytest.mark.parametrize("path", ["", "a", "$.", "$[?", "$[?@.a =~ /(a+)+$/]", "$" + "[?" * 2000])
def test_a_path_that_is_none_is_found_before_anything_starts(path: str) -> None:
    [problem] = JSONPathAttributes.check(params.build(JSONPathAttributes.Params, {"attributes": {"a": path}}))
    assert problem.path == "attributes.a"
    assert "\n" not in problem.message


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "$.p"])
def test_a_pattern_that_would_never_end_fails_the_event_in_time(pattern: str) -> None:
    data = {"p": "(a+)+b", "l": ["a" * 5000 + "!"] * 50}
    word = "$.p" if pattern == "$.p" else f"'{pattern}'"
    started = time.process_time()
    harness = Harness(JSONPathAttributes, attributes={"v": f"$.l[?search(@, {word})]"}, pattern_timeout_s=0.2)
    harness.put(JSONEvent(data))
    assert time.process_time() - started < 5
    for failed in harness.errors:
        assert failed.failure is not None
        assert (failed.failure.status, "longer than 0.2 s" in failed.failure.message) == (400, True)


def test_what_is_deep_or_finds_too_much_fails_the_event() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    assert failure("$..x", deep).status == 400
    assert "more than 3 values" in failure("$[*]", [1, 2, 3, 4], max_values=3).message
    assert "more than 10000 values" in failure("$..*..*..*", [[[0] * 30] * 30] * 30).message


def test_data_is_never_a_path() -> None:
    assert found("$.a", {"a": "$..*"}) == "$..*"
    harness = Harness(JSONPathAttributes, attributes={"v": "$.a"})
    harness.put(Event('{"a": "\'] | $..*"}'))
    assert harness.taken()[0].get("v") == "'] | $..*"
