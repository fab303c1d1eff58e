"""`kit status` of what `kit run` runs."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.kit.conftest import Kit
from tests.kit.running import KitRun
from tests.ports import free_port
from tests.until import until

TOPOLOGY = """\
name: h-local
actors:
  web: {uses: http-server, params: {routes: [{path: "/<queue>", methods: [POST]}]}, expose: {http: PORT}}
  first: {uses: stdout}
  out: {uses: stdout}
connections: [web -> out, web -> first]
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[KitRun]:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("PORT", str(free_port())))
    with closing(KitRun(tmp_path)) as running:
        running.table()
        yield running


def status(kit: Kit, run: KitRun) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and the instances by name."""
    done = kit("status", str(run.folder), "-o", "json")
    return done.returncode, {one["name"]: one for one in json.loads(done.stdout)["instances"]}


def test_status_shows_what_kit_run_runs_and_why_an_instance_is_not_well(run: KitRun, kit: Kit) -> None:
    done = kit("status", "h-local", http_proxy="http://127.0.0.1:9")  # nobody is there, and nobody is asked
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    (web,) = [row for row in rows if row[0] == "web"]
    assert web[1:3] == ["1/1", "healthy"]
    assert web[3].startswith("http://127.0.0.1:")

    pid = run.table()["out"]["pids"][0]
    os.kill(pid, signal.SIGSTOP)
    try:
        _, instances = status(kit, run)
        assert instances["out-1"]["health"] == "unhealthy"
        assert "its loop hangs" in instances["out-1"]["why"]
        until(lambda: "no peer behind out (" in status(kit, run)[1]["web-1"]["why"], "web misses its peer", 60, 0.5)
        code, instances = status(kit, run)
        assert code == 1
        assert instances["web-1"]["why"].endswith(" s")
        assert instances["first-1"]["health"] == "healthy"
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: status(kit, run)[0] == 0, "all is well again", 60, 0.5)


WAITS = """\
name: h-waits
defaults: {drain_timeout_s: 1}
actors:
  source: {uses: generator, params: {count: 7, interval_s: 0.0}}
  slow: {uses: slow:Slow, build: .}
  place: {uses: mdp-client, params: {service: orders, timeout_s: 60}}
connections: [source -> slow, source -> place]
clear: true
"""


def test_status_shows_how_much_work_waits_for_which_actor_and_service(tmp_path: Path, kit: Kit) -> None:
    (tmp_path / "topology.yaml").write_text(WAITS)
    (tmp_path / "slow.py").write_text(
        "import gevent\nfrom actorkit import Actor, Event\n\n\nclass Slow(Actor):\n"
        "    def consume(self, event: Event) -> None:\n        gevent.sleep(20)\n"
    )
    with closing(KitRun(tmp_path)) as running:
        running.table()

        def told() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(kit("status", str(tmp_path), "-o", "json").stdout)
            return found

        until(lambda: told()["services"] == {"orders": 7}, "all requests are at the broker", 60, 0.5)
        until(lambda: told()["waiting"] == {"place": 7, "slow": 7}, "all events wait", 60, 0.5)
        lines = kit("status", str(tmp_path)).stdout.splitlines()
        assert lines[0].split()[-1] == "WAITING"
        waiting = {line.split()[0]: line.split()[-1] for line in lines[1:] if "/" in line}
        assert (waiting["slow"], waiting["place"]) == ("7", "7")
        assert "service orders: 7 requests wait or are being done" in lines


def test_a_replica_has_one_name_in_status_logs_and_metrics(run: KitRun, kit: Kit) -> None:
    _, instances = status(kit, run)
    assert set(instances) == {"web-1", "first-1", "out-1"}
    assert "\nout-1" in run.said()
    with urllib.request.urlopen(f"{run.table()['out']['admin'][0]}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    assert lines
    assert all('instance="out-1"' in line for line in lines)


def test_a_topology_that_kit_run_does_not_run_is_looked_for_on_the_engine(tmp_path: Path, kit: Kit) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("PORT", "1"))
    done = kit("status", str(tmp_path), DOCKER_HOST="unix:///nowhere")
    assert done.returncode == 1
    assert "no Docker Engine answers" in done.stderr
