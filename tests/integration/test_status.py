"""`kit status` on a Docker Engine: why something is not well, and one name for a replica everywhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests import needs
from tests.integration.test_compose import docker, kit_with
from tests.ports import free_port
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]

NAME: Final = "h-status"
TOPOLOGY: Final = f"""\
name: {NAME}
actors:
  web: {{uses: http-server, params: {{routes: [{{path: "/<queue>", methods: [POST]}}]}}, expose: {{http: PORT}}}}
  sink: {{uses: stdout, replicas: 2}}
connections: [web -> sink]
clear: true
"""
ADMIN: Final = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9600/metrics').read().decode())"


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    needs.engine()
    path = tmp_path_factory.mktemp("status") / "topology.yaml"
    path.write_text(TOPOLOGY.replace("PORT", str(free_port())))
    kit = kit_with()
    try:
        done = kit("deploy", str(path), "--no-prometheus")
        assert done.returncode == 0, done.stderr
        yield path
    finally:
        kit("down", str(path), "--volumes")


def status() -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and the instances by name."""
    done = kit_with()("status", NAME, "-t", "compose", "-o", "json")
    return done.returncode, {one["name"]: one for one in json.loads(done.stdout)["instances"]}


@pytest.mark.usefixtures("topology")
def test_a_replica_has_one_name_in_status_logs_metrics_and_compose() -> None:
    code, instances = status()
    assert (code, set(instances)) == (0, {"web-1", "sink-1", "sink-2", "dead-letters-1"})
    for name in instances:
        container = f"{NAME}-{name}"
        logged = [json.loads(line) for line in docker("logs", container).splitlines() if line.startswith("{")]
        written = [json.loads(line) for line in docker_errors("logs", container) if line.startswith("{")]
        assert {entry["instance"] for entry in (*logged, *written)} == {name}
        lines = docker("exec", container, "python", "-c", ADMIN).splitlines()
        figures = [line for line in lines if line and not line.startswith("#")]
        assert figures
        assert all(f'instance="{name}"' in line for line in figures)


def docker_errors(*arguments: str) -> list[str]:
    """What a container wrote to standard error."""
    done = subprocess.run([needs.tool("docker"), *arguments], capture_output=True, text=True, check=False)
    return done.stderr.splitlines()


@pytest.mark.usefixtures("topology")
def test_status_says_how_an_instance_ended_and_which_peer_is_missing_since_when() -> None:
    docker("stop", f"{NAME}-sink-1", f"{NAME}-sink-2")
    try:
        until(lambda: "no peer behind sink (" in status()[1]["web-1"]["why"], "web misses its peer", 60, 0.5)
        code, instances = status()
        assert code == 1
        assert instances["sink-1"]["health"] == "exited"
        assert instances["sink-1"]["why"].startswith("ended with status 0 at ")
        assert "tcp://sink:5550) for " in instances["web-1"]["why"]
        shown = kit_with()("status", NAME, "-t", "compose").stdout
        assert "\nsink-1: exited: ended with status 0 at " in shown
        assert "\nweb-1: unhealthy: no peer behind sink (tcp://sink:5550) for " in shown
    finally:
        docker("start", f"{NAME}-sink-1", f"{NAME}-sink-2")
    until(lambda: status()[0] == 0, "all is well again", 60, 0.5)
