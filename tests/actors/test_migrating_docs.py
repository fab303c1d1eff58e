"""docs/migrating-from-compysition.md names nothing that is not there."""

from __future__ import annotations

import re
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

import actorkit
from actorkit import Actor, Event, Http, director, errors, testing
from actorkit.director import Director
from actorkit.testing import Harness
from actorkit_actors.catalogue import CATALOGUE
from tests.actors.actors_docs import load
from tests.places import DOCS

TEXT = (DOCS / "migrating-from-compysition.md").read_text(encoding="utf-8")
ACTOR = re.compile(r"\[`([a-z-]+)`\]\(actors/([a-z-]+)\.md\)")
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)

#: What a cell of the column "here" says where there is no such thing.
NOTHING = "–"


def tables() -> dict[str, list[list[str]]]:
    """The rows of the tables that have a column "here", by the heading above them."""
    found: dict[str, list[list[str]]] = {}
    for part in re.split(r"^##+ ", TEXT, flags=re.MULTILINE)[1:]:
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in ROW.findall(part)]
        if rows and rows[0][:2] == ["there", "here"] and len(rows[0]) > 2:
            found[part.partition("\n")[0]] = rows[2:]
    return found


TABLES = tables()
WITH_ACTORS = [heading for heading, rows in TABLES.items() if any(ACTOR.match(row[1]) for row in rows)]


def named(heading: str) -> list[str]:
    """What stands between backticks in the column "here"."""
    return [name for row in TABLES[heading] for name in re.findall(r"`([^`]+)`", row[1])]


def parts_of(kind: Any) -> list[Any]:
    """The types that a type is made of: itself, or what is in its Annotated, its union, or its tuple."""
    if get_origin(kind) in (Annotated, Union, types.UnionType, tuple):
        return [part for inner in get_args(kind) for part in parts_of(inner)]
    return [kind]


def fields_of(kind: Any) -> dict[str, Any]:
    """The keys that a parameter of this type may have, with their types."""
    structs = [part for part in parts_of(kind) if isinstance(part, type) and issubclass(part, msgspec.Struct)]
    hints = {struct: get_type_hints(struct, include_extras=True) for struct in structs}
    return {
        field.encode_name: hints[struct][field.name] for struct in structs for field in msgspec.structs.fields(struct)
    }


def explain(cls: type[Actor], told: str) -> str | None:
    """What is wrong with `key.key` or `key: value` as a parameter of the actor; None for nothing."""
    path, _, value = told.partition(": ")
    kind: Any = cls.Params
    for step in path.split("."):
        fields = fields_of(kind)
        if step not in fields:
            return f"{path}: no {step} among {', '.join(sorted(fields))}"
        kind = fields[step]
    literals = [one for part in parts_of(kind) if get_origin(part) is Literal for one in get_args(part)]
    return f"{told}: it is none of {literals}" if value and literals and value not in literals else None


def test_the_tables_are_those_that_are_looked_at() -> None:
    assert len(WITH_ACTORS) == 10
    assert set(TABLES) - set(WITH_ACTORS) == {
        "Graph and Director",
        "The base class of actors",
        "Events",
        "The HTTP side",
        "Errors and statuses",
        "Tests",
    }


@pytest.mark.parametrize("heading", WITH_ACTORS)
def test_every_actor_is_in_the_catalogue_and_every_parameter_is_one_of_its(heading: str) -> None:
    cls: type[Actor] | None = None
    for row in TABLES[heading]:
        there, here, remark = row
        for shown, page in ACTOR.findall(f"{here} {remark}"):
            assert shown == page, there
            assert shown in CATALOGUE, f"{there}: there is no actor {shown}"
        if actor := ACTOR.fullmatch(here):
            cls = load(CATALOGUE[actor[1]])
        elif not there.startswith("`") and here == NOTHING:
            assert remark, f"{there}: why it is gone"
        elif here != NOTHING:
            assert cls is not None
            [parameter] = re.findall(r"^`([^`]+)`$", here)
            assert explain(cls, parameter) is None


@pytest.mark.parametrize(
    ("heading", "owners"),
    [
        ("Graph and Director", [Director, director]),
        ("The base class of actors", [Actor, actorkit]),
        ("Events", [Event, actorkit]),
        ("The HTTP side", [Http]),
        ("Tests", [Harness, testing]),
    ],
)
def test_every_member_and_class_is_there(heading: str, owners: list[object]) -> None:
    assert len(named(heading)) >= 5
    for told in named(heading):
        name = told.partition("(")[0].removeprefix("http.")
        assert any(hasattr(owner, name) for owner in owners), told


def test_every_error_is_there_and_has_its_status() -> None:
    rows = TABLES["Errors and statuses"]
    assert len(rows) > 20
    for _, here, status, _ in rows:
        if here != NOTHING:
            error = getattr(errors, here.strip("`"))
            assert issubclass(error, errors.ActorkitError)
            assert status == str(error.status), here


def test_the_example_does_what_it_says() -> None:
    [snippet] = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    scope: dict[str, Any] = {"__name__": "example"}
    exec(compile(snippet, "docs/migrating-from-compysition.md", "exec", dont_inherit=True), scope)
    assert [str(one) for one in scope["director"].connections] == ["web.price -> price.web", "price.web -> web.price"]
    with Harness[Actor](scope["Price"], percent=5) as harness:
        harness.put(Event({"total": 100}), Event({}))
        assert [event.data for event in harness.taken()] == [{"total": 105.0}]
        [failure] = [event.failure for event in harness.errors]
        assert failure is not None
        assert (failure.status, failure.code) == (400, "C9")
