"""Every topology of docs and examples has tests, and they hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from actorkit_kit import python_process
from actorkit_kit.testing.suite import has_tests
from tests.places import ROOT

ACTORS = sorted(path.relative_to(ROOT) for path in (ROOT / "docs" / "actors").glob("*.yaml"))
EXAMPLES = sorted(path.relative_to(ROOT) for path in (ROOT / "examples").glob("*/topology.yaml"))
PROGRAMS = sorted(path.relative_to(ROOT) for path in (ROOT / "examples").glob("*.py"))
#: How many files one process of pytest gets.
SHARE = 8


def test_there_are_tests_for_each() -> None:
    assert len(ACTORS) > 50
    assert [str(path) for path in (*ACTORS, *EXAMPLES) if not has_tests(ROOT / path)] == []
    assert [str(path) for path in PROGRAMS if not (ROOT / path).with_name(f"{path.stem}_test.yaml").is_file()] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, len(ACTORS), SHARE))
def test_those_of_the_stock_actors_hold(first: int) -> None:
    run("graph", *map(str, ACTORS[first : first + SHARE]))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("depth", ["actor", "graph"])
def test_those_of_the_examples_hold(depth: str) -> None:
    run(depth, *map(str, EXAMPLES), *(f"examples/{path.stem}_test.yaml" for path in PROGRAMS))


@pytest.mark.timeout(600)
def test_those_of_an_example_hold_while_all_is_killed() -> None:
    run("chaos", "examples/chaos/topology.yaml")


def run(depth: str, *files: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--kit-depth={depth}", *files]
    done = subprocess.run(
        command, cwd=ROOT, env=python_process.environ(), capture_output=True, text=True, check=False, timeout=580
    )
    assert done.returncode == 0, done.stdout + done.stderr
