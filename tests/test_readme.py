"""The README tells the truth: its links lead somewhere, its snippets run, its commands are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from actorkit import Actor, ConversionError, MalformedEvent, XMLEvent
from actorkit.testing import Harness
from actorkit_kit.load import load_plan
from tests.places import ROOT

TEXT = (ROOT / "README.md").read_text()


def snippet(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.S)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_every_link_leads_to_a_file(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_actor_does_what_it_says() -> None:
    scope: dict[str, type[Actor]] = {}
    exec(compile(snippet("python"), "README.md", "exec"), scope)
    with Harness(scope["PlaceOrder"]) as place:
        place.put(XMLEvent("<order><total>12.50</total></order>"))
        (answer,) = place.taken()
        assert answer.convert(XMLEvent).data.findtext(".") == "12.50"
        place.put(XMLEvent("<order/>"))
        (failure,) = [event.failure for event in place.taken("error")]
        assert failure is not None
        assert (failure.kind, failure.status) == (MalformedEvent.__name__, 400)
        with pytest.raises(ConversionError):
            XMLEvent("no XML")


def test_the_topology_is_that_of_the_example(tmp_path: Path) -> None:
    example = ROOT / "examples" / "orders"
    for path in example.iterdir():
        if path.name not in ("topology.yaml", ".kit"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "topology.yaml").write_text(snippet("yaml"))
    shown, real = load_plan(str(tmp_path / "topology.yaml")), load_plan(str(example / "topology.yaml"))
    assert {unit.name: unit.class_path for unit in shown.units} == {unit.name: unit.class_path for unit in real.units}


def test_every_command_is_there() -> None:
    told = subprocess.run([sys.executable, "-m", "actorkit_kit", "--help"], capture_output=True, text=True, check=True)
    verbs = set(re.findall(r"^    kit (\w+)", TEXT, re.M))
    assert len(verbs) >= 9
    assert verbs - set(re.findall(r"^  (\w+) ", told.stdout, re.M)) == set()
    targets = set(re.findall(r"^    make (\w+)", TEXT, re.M))
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
