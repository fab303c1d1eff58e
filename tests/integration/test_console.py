"""The console of a deployment on a Docker Engine: beside it, on this machine alone, and of no matter to anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fleet import fetch
from tests.kit.deploying import deployed, docker, kit
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]

NAME: Final = "u-console"
TOPOLOGY: Final = f"""\
name: {NAME}
actors:
  gen: {{uses: generator, params: {{interval_s: 0.02, data: tick}}}}
  middle: {{uses: pass-through, replicas: 2}}
  sink: {{uses: "null"}}
connections: [gen -> middle -> sink]
clear: true
"""


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with deployed(NAME, TOPOLOGY, tmp_path_factory.mktemp("console")) as path:
        yield path


@pytest.fixture(scope="module")
def url(topology: Path) -> str:
    done = kit("ui", NAME, "-t", "compose")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state(url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fetch(f"{url}/state", timeout_s=20)[1] or "{}")
    return found


def containers() -> dict[str, str]:
    listed = docker("ps", "--format", "{{.Names}} {{.ID}}", "--filter", f"label=com.docker.compose.project={NAME}")
    return dict(line.split() for line in listed.splitlines())


def test_it_shows_every_container_and_the_rate_of_a_line(url: str) -> None:
    assert url.startswith("http://127.0.0.1:")
    found = until(lambda: one if (one := state(url))["lines"][0]["rate"] > 10 else None, "a rate is shown")
    names = [row["name"] for actor in found["actors"].values() for row in actor["instances"]]
    assert sorted(names) == ["dead-letters-1", "gen-1", "middle-1", "middle-2", "sink-1"]
    assert fetch(f"{url}/")[1].startswith("<!doctype html>")


def test_a_new_replica_and_one_that_is_gone_are_shown(url: str) -> None:
    assert kit("scale", "middle=3", "-d", NAME).returncode == 0
    until(lambda: state(url)["actors"]["middle"]["ready"] == 3, "the new replica is shown", pause_s=0.1)
    assert kit("scale", "middle=1", "-d", NAME).returncode == 0
    instances = until(
        lambda: rows if len(rows := state(url)["actors"]["middle"]["instances"]) == 2 else None, "one is left"
    )
    assert sorted(row["state"] for row in instances) == ["gone", "ready"]
    assert kit("scale", "middle=2", "-d", NAME).returncode == 0


def test_it_answers_on_this_machine_alone(url: str) -> None:
    bound = docker("port", f"{NAME}-console-1", "9601")
    assert bound == url.removeprefix("http://")


def test_kill_it_and_nothing_else_changes(url: str) -> None:
    before = {name: id_ for name, id_ in containers().items() if "console" not in name}
    docker("kill", f"{NAME}-console-1")
    assert kit("status", NAME, "-t", "compose").returncode == 0
    assert kit("ui", NAME, "-t", "compose").stdout.strip() == url
    assert {name: id_ for name, id_ in containers().items() if "console" not in name} == before
    until(lambda: state(url)["actors"]["sink"]["ready"] == 1, "it is there again")


def test_a_deployment_leaves_it_and_kit_ui_takes_over_another_graph(topology: Path, url: str) -> None:
    topology.write_text(TOPOLOGY.replace("sink", "drain"))
    done = kit("deploy", str(topology), "--no-prometheus")
    assert done.returncode == 0, done.stderr
    assert f"{NAME}-console-1" in containers()
    assert kit("ui", NAME, "-t", "compose").stdout.strip() == url
    assert until(lambda: state(url), "it is there again")["actors"].keys() == {"gen", "middle", "drain", "dead-letters"}


def test_kit_down_ends_it_too(topology: Path, url: str) -> None:
    assert url
    assert kit("down", NAME).returncode == 0
    assert containers() == {}
