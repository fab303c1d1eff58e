"""jmespath and JMESPath's compliance files, which a module of Go brings along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actorkit import JSONEvent, params
from actorkit.testing import Harness
from actorkit_actors.json.jmespath import JMESPath
from tests.sdists import go_module


@pytest.fixture(scope="module")
def suite() -> Path:
    return go_module("github.com/jmespath/go-jmespath", "v0.4.0") / "compliance"


def found(expression: str, data: Any) -> Any:
    """What the actor makes of the data; "error" where the expression is none, or fails the event."""
    if list(JMESPath.check(params.build(JMESPath.Params, {"expression": expression}))):
        return "error"
    with Harness(JMESPath, expression=expression) as harness:
        harness.put(JSONEvent(data))
        return "error" if harness.errors else harness.taken()[0].convert(JSONEvent).data


def test_the_actor_finds_what_the_suite_says(suite: Path) -> None:
    wrong, count = [], 0
    for path in sorted(suite.glob("*.json")):
        for part in json.loads(path.read_text()):
            for case in part["cases"]:
                wanted = "error" if "error" in case else case["result"]
                count += 1
                if found(case["expression"], part["given"]) != wanted:
                    wrong.append(f"{path.stem}: {case['expression']}")
    assert wrong == []
    assert count > 800
