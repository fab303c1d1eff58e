"""json-validator and the JSON-Schema-Test-Suite, which the source distribution of jsonschema brings along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.json.json_validator import JSONValidator
from tests.sdists import sdist

#: Where the suite's schemas say that its other schemas are.
REMOTES = "http://localhost:1234"

#: A schema with `$defs`, which drafts before 2019-09 do not know; they refer to it nowhere.
NEWER = "nested-absolute-ref-to-string.json"

DRAFTS = {"4": 600, "6": 800, "7": 900, "2019-09": 1200, "2020-12": 1200}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sdist("jsonschema", tmp_path_factory.mktemp("sdist")) / "json"


def remotes(suite: Path, draft: str) -> dict[str, Any]:
    """The schemas that those of a draft refer to, by their addresses."""
    folder = suite / "remotes"
    found = {}
    for path in folder.rglob("*.json"):
        place = path.relative_to(folder)
        if path.name == NEWER and draft in ("4", "6", "7"):
            continue
        if not place.parts[0].startswith("draft") or place.parts[0] == f"draft{draft}":
            found[f"{REMOTES}/{place.as_posix()}"] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize(("draft", "least"), DRAFTS.items())
def test_what_the_suite_calls_valid_is_let_by_and_nothing_else_is(suite: Path, draft: str, least: int) -> None:
    schemas, wrong, count = remotes(suite, draft), [], 0
    for path in sorted((suite / "tests" / f"draft{draft}").glob("*.json")):
        for case in json.loads(path.read_text()):
            name = f"{path.stem}: {case['description']}"
            try:
                harness = Harness(JSONValidator, schema=case["schema"], draft=draft, schemas=schemas, formats=False)
            except SettingsError:
                wrong.append(name)
                continue
            for test in case["tests"]:
                harness.put(Event(json.dumps(test["data"])))
                count += 1
                if (harness.taken() != []) != test["valid"]:
                    wrong.append(f"{name}: {test['description']}")
    assert wrong == []
    assert count >= least
