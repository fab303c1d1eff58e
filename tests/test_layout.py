"""Folders are the architecture: tests mirror them, and the linter's contracts know every file that they are about."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.places import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def folders(root: Path) -> set[str]:
    """The folders below one that have Python files, relative to it."""
    return {str(path.parent.relative_to(root)) for path in root.rglob("*.py")}


@pytest.mark.parametrize(
    ("tests", "package"),
    [("runtime", "runtime/actorkit"), ("actors", "actors/actorkit_actors"), ("kit", "kit/actorkit_kit")],
)
def test_tests_stand_in_folders_that_the_code_has(tests: str, package: str) -> None:
    assert folders(ROOT / "tests" / tests) - folders(ROOT / package) == set()


def test_every_state_machine_of_an_edge_is_in_the_contract_that_it_has_no_socket() -> None:
    (contract,) = [one for one in CONTRACTS if one["name"].startswith("the state of an edge")]
    files = {f"actorkit.edge.{path.stem}" for path in (ROOT / "runtime/actorkit/edge").glob("*.py")}
    with_sockets = {"actorkit.edge.connector", "actorkit.edge.listener"}
    assert files - with_sockets - {"actorkit.edge.__init__"} == set(contract["source_modules"])


def test_every_module_of_a_contract_is_there() -> None:
    for contract in CONTRACTS:
        for name in (*contract.get("source_modules", ()), *contract.get("modules", ())):
            package, *rest = name.split(".")
            (root,) = [ROOT / part for part in ("runtime", "actors", "kit") if (ROOT / part / package).is_dir()]
            path = root.joinpath(package, *rest)
            assert path.is_dir() or path.with_suffix(".py").is_file(), name
