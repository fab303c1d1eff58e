from __future__ import annotations

import time
from typing import Any

import pytest

from actorkit import Actor, Event, JSONEvent, params
from actorkit.testing import Harness
from actorkit_actors.json.jmespath import JMESPath
from actorkit_actors.json.jq import JQ
from tests.places import DOCS

ORDER = {"items": [{"n": "tea", "p": 5}, {"n": "pot", "p": 30}], "x y": "ü"}


def failure(cls: type[Actor], data: Any, **given: Any) -> Any:
    with Harness(cls, **given) as harness:
        harness.put(JSONEvent(data))
        assert harness.taken() == []
        return harness.errors[0].failure


def found(cls: type[Actor], data: Any, **given: Any) -> list[Any]:
    with Harness(cls, **given) as harness:
        event = JSONEvent(data, attributes={"kept": 1})
        harness.put(event)
        assert [failed.failure for failed in harness.errors] == []
        made = harness.taken()
        assert all((one.trace, one.get("kept")) == (event.trace, 1) for one in made)
        return [one.convert(JSONEvent).data for one in made]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("items[?p > `10`].n | [0]", "pot"),
        ("{sum: sum(items[].p), names: items[].n}", {"sum": 35, "names": ["tea", "pot"]}),
        ('"x y"', "ü"),
        ("nothing", None),
        ("items[-1].p\n", 30),
        ("to_string(items[0])", '{"n":"tea","p":5}'),
    ],
)
def test_jmespath_makes_the_new_data(expression: str, value: Any) -> None:
    assert found(JMESPath, ORDER, expression=expression) == [value]


@pytest.mark.parametrize(("left", "right", "same"), [(1, 1, True), ({"a": 1}, {"a": 2}, False), (None, None, True)])
def test_jq_compares_two_parts_of_the_data_as_the_table_for_migrating_says(left: Any, right: Any, same: bool) -> None:
    program = ". + {comparison_result: (.left == .right)}"
    assert f"`{program}`" in (DOCS / "migrating-from-compysition.md").read_text(encoding="utf-8")
    data = {"left": left, "right": right}
    assert found(JQ, data, program=program) == [{**data, "comparison_result": same}]


def test_jmespath_fails_events_that_do_not_fit() -> None:
    assert failure(JMESPath, {"a": 1}, expression="length(a)").status == 400
    assert "finds nothing" in failure(JMESPath, {}, expression="a", required=True).message


@pytest.mark.parametrize("expression", ["", "a[", "a b", "unknown(", "[" * 5000])
def test_what_is_no_jmespath_is_found_before_anything_starts(expression: str) -> None:
    [problem] = JMESPath.check(params.build(JMESPath.Params, {"expression": expression}))
    assert problem.path == "expression"
    assert "\n" not in problem.message


def test_data_is_never_an_expression() -> None:
    assert found(JMESPath, {"a": "length(@)"}, expression="a") == ["length(@)"]
    assert found(JQ, {"a": '" | error("x") | "\\(env)'}, program=".a") == ['" | error("x") | "\\(env)']


@pytest.mark.parametrize(
    ("program", "outputs", "made"),
    [
        (".items | map(.p) | add", "one", [35]),
        (".items[] | .n", "list", [["tea", "pot"]]),
        (".items[] | .n", "each", ["tea", "pot"]),
        ("empty", "list", [[]]),
        ("empty", "each", []),
        ('."x y"', "one", ["ü"]),
        ("null", "one", [None]),
        ("$ENV, env", "list", [[{}, {}]]),
    ],
)
def test_jq_makes_the_new_data(program: str, outputs: str, made: list[Any]) -> None:
    assert found(JQ, ORDER, program=program, outputs=outputs) == made


def test_jq_fails_events_that_do_not_fit_and_goes_on() -> None:
    with Harness(JQ, program='if .bad then error("no <good>") else .a + 1 end') as harness:
        for data in ({"bad": True}, {"a": "x"}, {"a": 1}, {"a": None}):
            harness.put(JSONEvent(data))
        assert [event.data for event in harness.taken()] == [2, 1]
        said = [failed.failure.message for failed in harness.errors if failed.failure]
    assert said[0] == "jq: no <good>"
    assert "cannot be added" in said[1]
    assert "makes 2 values, not one" in failure(JQ, [1, 2], program=".[]").message
    assert "more than 3 values" in failure(JQ, {}, program="range(9)", max_outputs=3, outputs="list").message


@pytest.mark.parametrize(
    "program", ["[range(infinite)] | length", "def f: f; f", "last(range(1e18))", '[range(1e6)|"x"*1e6]']
)
def test_a_program_without_end_or_measure_fails_its_event_in_time_and_the_next_one_passes(program: str) -> None:
    started = time.monotonic()
    with Harness(JQ, program=f"if . then {program} else 7 end", timeout_s=1.0, memory_bytes=256 << 20) as harness:
        harness.put(JSONEvent(True))
        harness.put(JSONEvent(False))
        assert [event.data for event in harness.taken()] == [7]
        [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 400
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "program", [".a |", 'import "x" as x; .', 'include "x"; .', 'import "/etc/passwd" as $x; .', "unknown", ""]
)
def test_what_is_no_jq_is_found_before_anything_starts(program: str) -> None:
    problems = list(JQ.check(params.build(JQ.Params, {"program": program})))
    assert [problem.path for problem in problems] == ["program"]
    assert all("\n" not in problem.message for problem in problems)


def test_no_native_threads_beside_the_process() -> None:
    [problem] = JQ.check(params.build(JQ.Params, {"program": ".", "threads": 2}))
    assert problem.path == "threads"


def test_jq_reads_no_file() -> None:
    with Harness(JQ, program="[limit(3; inputs)] + [input_filename]", outputs="list") as harness:
        harness.put(Event("{}"))
        assert "root:" not in "".join(event.text() for event in harness.taken())
