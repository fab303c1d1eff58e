"""The console of `kit run` and `kit dev`, with real processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import fetch
from tests.kit.deploying import kit
from tests.kit.running import DEADLINE_S, KitDev, KitRun
from tests.until import until

STREAM = """\
name: stream
actors:
  gen: {uses: generator, params: {interval_s: 0.01, data: tick}}
  middle: {uses: pass-through, replicas: 2}
  out: {uses: stdout}
connections:
  - gen -> middle -> out
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., KitRun]]:
    started: list[KitRun] = []

    def start(text: str = STREAM, kind: type[KitRun] = KitRun) -> KitRun:
        (tmp_path / "topology.yaml").write_text(text)
        started.append(kind(tmp_path, "-q"))
        return started[-1]

    yield start
    for one in started:
        one.close()


def console_of(run: KitRun) -> str:
    (line,) = run.process.lines(1, DEADLINE_S)
    url: str = json.loads(line)["console"]
    return url


def state(url: str) -> dict[str, Any]:
    status, body = fetch(f"{url}/state", timeout_s=DEADLINE_S)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def consoles(run: KitRun) -> list[int]:
    """The console's processes, found by what their environment says."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = folder.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(run.process.pid) and b"process.console:Console" in folder.joinpath("environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_the_process_starts_when_a_browser_first_asks(run: Callable[..., KitRun]) -> None:
    running = run()
    url = console_of(running)
    assert consoles(running) == []
    assert state(url)["actors"]["middle"]["ready"] == 2
    assert len(consoles(running)) == 1
    assert until(lambda: (state(url)["lines"][1] or {})["rate"] > 10, "events are counted")


def test_it_is_killed_and_nothing_else_notices(run: Callable[..., KitRun]) -> None:
    running = run()
    url = console_of(running)
    state(url)
    (pid,) = consoles(running)
    os.kill(pid, signal.SIGKILL)
    assert state(url)["actors"]["middle"]["ready"] == 2  # a browser that asks meanwhile waits for the next one
    assert consoles(running) != [pid]
    assert running.stop() == 0
    assert "nothing was left unfinished" in running.said()
    assert "was started again" not in running.said()


def test_a_replica_that_is_killed_is_gone_and_comes_back(run: Callable[..., KitRun]) -> None:
    running = run()
    url = console_of(running)
    pid = running.table()["middle"]["pids"][0]
    state(url)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: state(url)["actors"]["middle"]["ready"] == 1, "one is gone")
    os.kill(pid, signal.SIGCONT)
    until(lambda: state(url)["actors"]["middle"]["ready"] == 2, "it is there again")


def test_kit_ui_tells_where_it_is_and_the_token_of_an_instance(run: Callable[..., KitRun], tmp_path: Path) -> None:
    url, topology = console_of(run()), str(tmp_path / "topology.yaml")
    assert kit("ui", topology, "-t", "local").stdout.strip() == url
    token = kit("ui", topology, "-t", "local", "--token", "middle-1").stdout.strip()
    assert len(token) > 20
    assert kit("ui", topology, "-t", "local", "--token", "nobody-1").returncode == 2


def test_a_second_run_has_a_console_at_another_port(run: Callable[..., KitRun], tmp_path: Path) -> None:
    first, second = run(), run()
    assert console_of(first) != console_of(second)


def test_the_console_of_kit_dev_follows_a_topology_that_changes(run: Callable[..., KitRun], tmp_path: Path) -> None:
    url = console_of(run(kind=KitDev))
    assert state(url)["actors"].keys() == {"gen", "middle", "out"}
    (tmp_path / "topology.yaml").write_text(STREAM.replace("middle", "between"))
    until(lambda: state(url)["actors"].get("between", {}).get("ready") == 2, "the new actor is shown")
    assert "middle" not in state(url)["actors"]
