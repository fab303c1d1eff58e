"""`kit plan` beside what runs on a real engine: it tells what `kit deploy` then does, and does nothing itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.kit.deploying import deployed, docker, kit

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

NAME: Final = "plan-test"
TOPOLOGY: Final = """\
name: plan-test
actors:
  source: {uses: generator, params: {interval_s: 5}}
  pass-on: {uses: pass-through, replicas: 2}
  to-order: {uses: xslt, params: {stylesheet: {file: a.xsl}}}
  old: {uses: stdout}
connections: [source -> pass-on -> to-order -> old]
clear: true
"""
SHEET: Final = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>\n'
#: Status of `kit plan` where something would change.
CHANGES: Final = 4


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("planned")
    (folder / "a.xsl").write_text(SHEET)
    with deployed(NAME, TOPOLOGY, folder) as topology:
        yield topology


def plan(topology: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return kit("plan", str(topology), "--no-prometheus", *options)


def told(topology: Path) -> dict[str, tuple[str, list[str]]]:
    """What becomes of each, and why."""
    done = plan(topology, "-o", "json")
    assert done.returncode in (0, CHANGES), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["changes"]
    return {change["subject"]: (change["action"], change["what"]) for change in found}


def containers() -> dict[str, str]:
    """The containers that run, by name: their ids."""
    label = f"label=io.actorkit.topology={NAME}"
    lines = docker("ps", "--filter", label, "--format", "{{.Names}} {{.ID}}").splitlines()
    return dict(sorted(line.split() for line in lines))


def test_what_runs_as_it_is_written_would_not_change(topology: Path) -> None:
    done = plan(topology, "--diff")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"kit: nothing of {NAME} would change (Docker)\n"


def test_what_is_told_is_what_a_deployment_then_does_and_nothing_was_done_before(topology: Path) -> None:
    before = containers()
    (topology.parent / "a.xsl").write_text(SHEET + "<!-- changed -->\n")
    text = TOPOLOGY.replace("interval_s: 5", "interval_s: 6").replace("replicas: 2", "replicas: 3")
    text = text.replace("  old: {uses: stdout}", "  fresh: {uses: stdout}").replace("-> old", "-> fresh")
    topology.write_text(text)
    found = told(topology)
    assert {name: action for name, (action, _) in found.items()} == {
        "dead-letters": "replaced",
        "fresh": "new",
        "old": "gone",
        "pass-on": "scaled",
        "source": "replaced",
        "to-order": "replaced",
    }
    assert "file stylesheet-a.xsl" in found["to-order"][1]
    assert found["pass-on"] == ("scaled", ["2 → 3 instances"])
    assert 'environment.ACTORKIT_PARAMS: {"interval_s":5} → {"interval_s":6}' in " ".join(found["source"][1])
    diff = plan(topology, "--diff").stdout
    assert "+<!-- changed -->\n" in diff
    assert "--- a/files/to-order/stylesheet-a.xsl\n" in diff
    assert containers() == before

    done = kit("deploy", str(topology), "--no-prometheus")
    assert done.returncode == 0, done.stderr
    after = containers()
    kept = {name for name, identity in before.items() if after.get(name) == identity}
    assert {name.removeprefix(f"{NAME}-") for name in kept} == {"pass-on-1", "pass-on-2"}
    assert told(topology) == {}


def test_what_was_scaled_or_stopped_by_hand_would_come_back(topology: Path) -> None:
    done = kit("scale", "to-order=2", "-d", NAME)
    assert done.returncode == 0, done.stderr
    (source,) = (name for name in containers() if name.startswith(f"{NAME}-source-"))
    docker("stop", source)
    found = told(topology)
    assert found["to-order"] == ("scaled", ["2 → 1 instance"])
    assert found["source"] == ("started", ["1 instance had ended"])


def test_what_another_folder_runs_is_refused_as_a_deployment_would_be(topology: Path, tmp_path: Path) -> None:
    (tmp_path / "a.xsl").write_text(SHEET)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    done = plan(tmp_path / "topology.yaml")
    assert done.returncode == 1
    assert "runs already, deployed from" in done.stderr


def test_what_runs_nowhere_would_be_new(tmp_path: Path) -> None:
    (tmp_path / "a.xsl").write_text(SHEET)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace(NAME, f"{NAME}-none"))
    found = told(tmp_path / "topology.yaml")
    assert found["pass-on"] == ("new", ["2 instances"])
    assert {action for action, _ in found.values()} == {"new"}
