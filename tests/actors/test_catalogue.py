from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import actorkit
import actorkit_actors
from actorkit import Actor, params
from actorkit_actors.catalogue import CATALOGUE, Entry

ENTRIES = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE.keys())

#: What each extra of the distribution brings, as modules.
BRINGS = {"": set(), "xml": {"lxml"}, "http": {"httptools", "werkzeug", "lxml"}}


def load(entry: Entry) -> type[Actor]:
    module, _, name = entry.class_path.partition(":")
    cls: type[Actor] = getattr(importlib.import_module(module), name)
    return cls


@ENTRIES
def test_an_entry_names_an_actor(entry: Entry) -> None:
    cls = load(entry)
    assert issubclass(cls, Actor)
    assert inspect.getdoc(cls)
    assert (cls.consumes() or cls.produces()) == (entry.kind in ("actor", "dead-letters"))


@ENTRIES
def test_every_parameter_says_what_it_is(entry: Entry) -> None:
    for parameter in params.parameters_of(load(entry).Params):
        assert parameter.description, f"{entry.name}: {parameter.name} has no description"


@ENTRIES
def test_an_actor_imports_no_more_than_its_extra_brings(entry: Entry) -> None:
    module = entry.class_path.partition(":")[0]
    others = sorted(set().union(*BRINGS.values()) - BRINGS[entry.extra])
    script = f"import sys, {module}; print([name for name in {others} if name in sys.modules])"
    assert run(script) == "[]"


def test_the_names_are_sorted_and_fit_a_topology() -> None:
    assert list(CATALOGUE) == sorted(CATALOGUE)
    assert all(entry.name == name and len(name) <= 40 for name, entry in CATALOGUE.items())


def test_the_catalogue_alone_imports_nothing_heavy() -> None:
    script = "import sys, actorkit_actors.catalogue; print([n for n in ('lxml', 'gevent', 'zmq') if n in sys.modules])"
    assert run(script) == "[]"


def run(script: str) -> str:
    paths = [str(Path(str(module.__file__)).parents[1]) for module in (actorkit, actorkit_actors)]
    code = f"import sys; sys.path[:0] = {paths!r}\n{script}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "given", "path", "says"),
    [
        ("xslt", {"stylesheet": "<a/>"}, "stylesheet", "not a stylesheet"),
        ("basic-auth", {"users": "ann"}, "users", "line 1 is not name:password"),
        ("data", {"data": "<a>", "format": "xml"}, "data", "line 1"),
        ("generator", {"data": "{", "format": "json"}, "data", "line 1"),
        ("http-server", {"routes": [{"path": "/<x"}]}, "routes", "malformed"),
        ("http-server", {"certfile": "x"}, "certfile", "needs both"),
        ("mdp-worker", {}, "service", "name the service"),
    ],
)
def test_what_types_cannot_say_is_found_before_anything_starts(
    name: str, given: dict[str, Any], path: str, says: str
) -> None:
    cls: Any = load(CATALOGUE[name])
    [problem] = cls.check(params.build(cls.Params, given))
    assert problem.path == path
    assert says in problem.message


def test_good_parameters_have_no_problems() -> None:
    for name, given in (("http-server", {}), ("basic-auth", {"users": "a:b"}), ("data", {"data": 1})):
        cls: Any = load(CATALOGUE[name])
        assert list(cls.check(params.build(cls.Params, given))) == []


@ENTRIES
def test_an_actor_that_was_not_set_up_can_be_torn_down(entry: Entry) -> None:
    cls: Any = load(entry)
    needed = {"users": "a:b"} if entry.name == "basic-auth" else {"stylesheet": ""} if entry.name == "xslt" else {}
    actor = cls("actor", params.build(cls.Params, needed), None)
    actor.drain()
    actor.teardown()
