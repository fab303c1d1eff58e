from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import actorkit
import actorkit_actors
from actorkit import Actor, params
from actorkit_actors.catalogue import CATALOGUE, Entry, declarations, file_of
from tests.places import ROOT

#: Module → the distributions that have it.
DISTRIBUTIONS = metadata.packages_distributions()
#: What msgspec takes where it finds it.
SHARED = {"actorkit", "typing-extensions"}
ENTRIES = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE.keys())

FOLDER = Path(str(actorkit_actors.__file__)).parent


def brought(extra: str) -> set[str]:
    """The distributions that actorkit and one of its extras bring, by their normal names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())]
    pending: list[tuple[str, tuple[str, ...]]] = [(line, ("",)) for line in asked]
    found = set[str]()
    while pending:
        line, extras = pending.pop()
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        if name not in found and (marker is None or any(marker.evaluate({"extra": one}) for one in extras)):
            found.add(name)
            pending += [(more, ("", *requirement.extras)) for more in metadata.requires(name) or ()]
    return found


def example_params(name: str) -> dict[str, Any]:
    """The parameters of an actor in the example of its page; a file and a secret are their own names."""
    document = YAML(typ="safe").load(ROOT / "docs" / "actors" / f"{name}.yaml")
    nodes = document.get("actors", {}).values()
    given: dict[str, Any] = next((node.get("params", {}) for node in nodes if node["uses"] == name), {})
    return {key: next(iter(value.values())) if params.is_reference(value) else value for key, value in given.items()}


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
    script = f"there = set(sys.modules); import {module}; print(*set(sys.modules) - there)"
    imported = {name.partition(".")[0] for name in run(script).split()}
    used = {canonicalize_name(name) for top in imported for name in DISTRIBUTIONS.get(top, ())}
    assert used <= brought(entry.extra) | SHARED


@ENTRIES
def test_an_actor_is_in_the_file_of_its_name(entry: Entry) -> None:
    """What the catalogue reads in the file is what the class says."""
    cls = load(entry)
    assert file_of(entry.name).stem == entry.name.replace("-", "_")
    assert cls.__module__ == entry.class_path.partition(":")[0]
    said = (cls.NAME, cls.EXTRA, getattr(cls, "KIND", "actor"), getattr(cls, "PROCESS", ""))
    assert said == (entry.name, entry.extra, entry.kind, entry.process)
    assert entry.summary == (inspect.getdoc(cls) or "").partition("\n")[0].removesuffix(".")
    assert len(entry.summary) > 10


def test_no_actor_is_anywhere_else() -> None:
    """A class with a name in a file that has another one would not be found."""
    for path in sorted(FOLDER.rglob("*.py")):
        for declared in declarations(path.read_text(encoding="utf-8")):
            if "NAME" in declared.said:
                assert file_of(declared.said["NAME"]) == path
                assert CATALOGUE[declared.said["NAME"]].class_path.endswith(f":{declared.name}")


def test_the_look_up_of_one_name_parses_one_file() -> None:
    script = """
import ast
from actorkit_actors import catalogue
parsed = []
sys.addaudithook(lambda name, args: parsed.append(name) if name == "compile" and args[1] == "<unknown>" else None)
assert "xslt" in catalogue.CATALOGUE and len(list(catalogue.CATALOGUE)) > 10
assert parsed == []
for _ in range(2):
    catalogue.CATALOGUE["xslt"]
print(len(parsed), any(name.startswith("actorkit_actors.") for name in sys.modules if "catalogue" not in name))
"""
    assert run(script) == "1 False"


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
        ("xslt", {}, "stylesheet", "give a stylesheet, or sheets"),
        ("json-validator", {"schema": {"type": "x"}}, "schema", "/type"),
        ("xsd", {"schema": "<a/>"}, "schema", "not a schema document"),
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
    actor = cls("actor", msgspec.convert(example_params(entry.name), cls.Params), None)
    actor.drain()
    actor.teardown()
