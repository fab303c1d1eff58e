"""Folders are the architecture: tests mirror them, and the linter's contracts know every file that they are about."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.places import ROOT

#: What of MajorDomo opens sockets, looks at them, or waits for them.
WITH_SOCKETS = {
    *(f"actorkit.mdp.{name}" for name in ("cli", "router", "server", "thread")),
    *(f"actorkit.mdp.broker.{name}" for name in ("broker", "connection", "loop", "tuning")),
    *(f"actorkit.mdp.client.{name}" for name in ("client", "connection")),
    *(f"actorkit.mdp.directory.{name}" for name in ("announcer", "discovery", "service")),
    *("actorkit.mdp.titanic.titanic", "actorkit.mdp.worker.registrations", "actorkit.mdp.worker.worker"),
}

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


#: The longest that a file of Python gets, in lines.
MAX_LINES = 350


def folders(root: Path, files: str = "*.py") -> set[str]:
    """The folders below one that have such files, relative to it."""
    return {str(path.parent.relative_to(root)) for path in root.rglob(files)}


@pytest.mark.parametrize(
    ("tests", "package"),
    [("runtime", "runtime/actorkit"), ("actors", "actors/actorkit_actors"), ("kit", "kit/actorkit_kit")],
)
def test_each_folder_of_code_has_one_of_tests_and_no_other_has(tests: str, package: str) -> None:
    assert folders(ROOT / "tests" / tests, "test_*.py") == folders(ROOT / package)


def test_every_state_machine_of_an_edge_is_in_the_contract_that_it_has_no_socket() -> None:
    (contract,) = [one for one in CONTRACTS if one["name"].startswith("the state of an edge")]
    files = {f"actorkit.edge.{path.stem}" for path in (ROOT / "runtime/actorkit/edge").glob("*.py")}
    with_sockets = {"actorkit.edge.connector", "actorkit.edge.listener"}
    assert files - with_sockets - {"actorkit.edge.__init__"} == set(contract["source_modules"])


def test_every_file_of_majordomo_is_in_the_contract_that_it_has_no_socket_or_has_one() -> None:
    (contract,) = [one for one in CONTRACTS if one["name"].startswith("the state of MajorDomo")]
    root = ROOT / "runtime/actorkit"
    files = {f"actorkit.{'.'.join(path.relative_to(root).with_suffix('').parts)}" for path in root.glob("mdp/**/*.py")}
    assert {file for file in files if not file.endswith("__init__")} - WITH_SOCKETS == set(contract["source_modules"])


def test_every_folder_of_the_stock_actors_is_in_the_contract_that_they_know_nothing_of_each_other() -> None:
    (contract,) = [one for one in CONTRACTS if one["type"] == "independence"]
    assert contract["modules"] == ["actorkit_actors.*"]


def test_every_contract_of_storeys_in_a_package_knows_all_that_is_in_it() -> None:
    """The linter compares the storeys with the disk; a file that has none must be named as such."""
    assert all(one.get("exhaustive") for one in CONTRACTS if one["type"] == "layers" and "containers" in one)


def test_no_file_of_python_is_too_long() -> None:
    """A longer one has two nouns."""
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("runtime", "actors", "kit", "tests", "examples", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


def test_every_module_of_a_contract_is_there() -> None:
    for contract in CONTRACTS:
        for name in (*contract.get("source_modules", ()), *contract.get("modules", ())):
            package, *rest = name.removesuffix(".*").split(".")
            (root,) = [ROOT / part for part in ("runtime", "actors", "kit") if (ROOT / part / package).is_dir()]
            path = root.joinpath(package, *rest)
            assert path.is_dir() or path.with_suffix(".py").is_file(), name


#: What a test does not do, by what it would look like: CONTRIBUTING.md says what it does instead.
FORBIDDEN = {
    "replaces a function, a constant or a module": r"monkeypatch\.(setattr|delattr|setitem|delitem)\(|unittest[.]mock",
    "reads a private field": r"(?<!self)(?<!cls)(?<!os)(?<!greenlet)\._(?!replace\b)[a-z]",
    "starts a process that goes on beside it": r"\bPopen\(",
}

#: Who does it for all others, and this file.
FOR_ALL = {"tests/fleet.py", "tests/test_layout.py"}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_test_looks_inside(what: str) -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if str(path.relative_to(ROOT)) not in FOR_ALL]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(FORBIDDEN[what], line)
    ]
    assert found == [], what
