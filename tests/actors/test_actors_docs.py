"""`docs/actors.md` tells the truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from actorkit import Actor, params
from actorkit_actors.catalogue import CATALOGUE
from actorkit_actors.http.routes import Route
from tests.actors.actors_docs import DOCUMENT, load, rendered

TEXT = DOCUMENT.read_text(encoding="utf-8")
ORDERS = DOCUMENT.parents[1] / "examples" / "orders"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_the_tables_are_those_of_the_catalogue() -> None:
    assert rendered(TEXT) == TEXT, "write docs/actors.md anew with: python -m tests.actors.actors_docs"


def test_just_those_that_consume_are_said_to_take_something() -> None:
    for name, takes in re.findall(r"^\| \[`([a-z-]+)`\]\(#[a-z-]+\) \| ([^|]+) \|", TEXT, re.MULTILINE):
        assert takes.startswith("nothing") != load(CATALOGUE[name]).consumes(), name


def test_every_example_has_parameters_that_its_actor_takes() -> None:
    used = set()
    for block in blocks("yaml"):
        actors: dict[str, Any] = YAML(typ="safe").load(block)
        for actor in actors.values():
            used.add(actor["uses"])
            assert params.check(load(CATALOGUE[actor["uses"]]).Params, actor.get("params", {})) == []
    assert used == set(CATALOGUE)


def test_every_key_of_a_route_is_told() -> None:
    for field in msgspec.structs.fields(Route):
        assert f"| `{field.name}` |" in TEXT


def test_the_example_of_a_test_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = (block for block in blocks("python") if "Harness" in block)
    monkeypatch.chdir(ORDERS)
    exec(compile(block, str(DOCUMENT), "exec"), {})


def test_the_example_of_a_check_finds_what_it_says() -> None:
    [block] = (block for block in blocks("python") if "def check" in block)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block, str(DOCUMENT), "exec"), names)
    between = names["Between"]
    assert list(between.check(between.Params(least=11))) == [params.Problem("least", "it is above most")]
    assert list(between.check(between.Params())) == []
    assert list(Actor.check(Actor.Params())) == []


def test_the_links_lead_somewhere() -> None:
    for name in re.findall(r"\]\(([\w./-]+\.md)", TEXT):
        assert (DOCUMENT.parent / name).is_file()
    assert Path(DOCUMENT).is_file()
