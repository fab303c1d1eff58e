"""docs/actors.md and the pages of docs/actors tell the truth."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from actorkit import Actor, params
from actorkit_actors.catalogue import CATALOGUE, Entry
from actorkit_actors.http.routes import Route
from tests.actors.actors_docs import DOCUMENT, divided, load, page_of, rendered, rendered_page

TEXT = DOCUMENT.read_text(encoding="utf-8")
ORDERS = DOCUMENT.parents[1] / "examples" / "orders"
ENTRIES = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE.keys())
ANEW = "write them anew with: python -m tests.actors.actors_docs"


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_tables_are_those_of_the_catalogue() -> None:
    assert rendered(TEXT) == TEXT, ANEW


@ENTRIES
def test_a_page_is_what_its_actor_says(entry: Entry) -> None:
    assert page_of(entry).read_text(encoding="utf-8") == rendered_page(entry), ANEW


def test_no_page_is_of_an_actor_that_is_no_more() -> None:
    assert {path.stem for path in (DOCUMENT.parent / "actors").glob("*.md")} == set(CATALOGUE)


def test_failures_become_a_list() -> None:
    doc = "Does it.\n\nMore.\n\nFailures:\n    Malformed (400): it is\n        bad.\n    Gone (410): away.\n\nRest."
    assert divided(doc) == ("Does it.\n\nMore.\n\nRest.", "* `Malformed` (400): it is bad.\n* `Gone` (410): away.")


def test_just_those_that_consume_are_said_to_take_something() -> None:
    for name, takes in re.findall(r"^\| \[`([a-z-]+)`\]\([^)]+\) \| ([^|]+) \|", TEXT, re.MULTILINE):
        assert takes.startswith("nothing") != load(CATALOGUE[name]).consumes(), name


@ENTRIES
def test_every_snippet_of_a_page_has_parameters_that_its_actor_takes(entry: Entry) -> None:
    for block in blocks("yaml", page_of(entry).read_text(encoding="utf-8").partition("<!-- end -->")[2]):
        actors: dict[str, Any] = YAML(typ="safe").load(block)
        for actor in actors.values():
            assert params.check(load(CATALOGUE[actor["uses"]]).Params, actor.get("params", {})) == []


@ENTRIES
def test_every_figure_that_an_actor_counts_itself_stands_on_its_page(entry: Entry) -> None:
    source = inspect.getsource(sys.modules[load(entry).__module__])
    text = page_of(entry).read_text(encoding="utf-8")
    for name in re.findall(r'Figure\(\s*"(actorkit_\w+)"', source):
        assert re.search(f"`{name}(_total)?`", text), name


def test_every_key_of_a_route_is_told() -> None:
    page = page_of(CATALOGUE["http-server"]).read_text(encoding="utf-8")
    for field in msgspec.structs.fields(Route):
        assert f"| `{field.name}` |" in page


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
    for page in (DOCUMENT, *map(page_of, CATALOGUE.values())):
        for name in re.findall(r"\]\(([\w./-]+\.md)", page.read_text(encoding="utf-8")):
            assert (page.parent / name).is_file(), f"{page.name}: {name}"
