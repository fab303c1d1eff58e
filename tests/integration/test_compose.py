"""The orders example on a Docker Engine, by the real `kit`, from its images to its end."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actorkit_kit import python_process
from tests import needs
from tests.integration import shop
from tests.places import ORDERS
from tests.ports import free_port
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

NAME = "orders-test"


@dataclass(frozen=True)
class Deployed:
    """A deployment: where its front and its Prometheus are, and the `kit` that made it."""

    topology: Path
    url: str
    prometheus: str
    kit: Callable[..., subprocess.CompletedProcess[str]]

    def containers(self, actor: str = "") -> dict[str, str]:
        """Name → id of the containers that run."""
        labels = [f"label=io.actorkit.topology={NAME}", *([f"label=io.actorkit.actor={actor}"] if actor else [])]
        filters = [argument for label in labels for argument in ("--filter", label)]
        listed = docker("ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}", *filters)
        return dict(line.split() for line in listed.splitlines())


def docker(*arguments: str) -> str:
    done = subprocess.run([needs.tool("docker"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def kit_with(**variables: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    def kit(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*python_process.command("actorkit_kit"), *arguments],
            env=python_process.environ(extra={"NO_COLOR": "1", **variables}),
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )

    return kit


def left(name: str) -> str:
    """Containers and networks of a deployment."""
    label = f"label=com.docker.compose.project={name}"
    return docker("ps", "-aq", "--filter", label) + docker("network", "ls", "-q", "--filter", label)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    needs.engine()
    needs.image("prom/prometheus:v3.5.0", otherwise="prom/prometheus:v3")
    front, metrics = free_port(), free_port()
    changes = {"http: 8080": f"http: {front}", "replicas: 3": "replicas: 1"}
    topology = shop.copy(tmp_path_factory.mktemp("deployed") / "orders", NAME, **changes)
    kit = kit_with(PROMETHEUS_PORT=str(metrics))
    try:
        done = kit("deploy", str(topology), "--output", "json")
        assert done.returncode == 0, done.stderr
        states = {row["actor"]: row for row in json.loads(done.stdout)["actors"]}
        assert all(row["healthy"] == row["wanted"] for row in states.values())
        assert states["web"]["urls"] == [f"http://127.0.0.1:{front}"]
        yield Deployed(topology, f"http://127.0.0.1:{front}", f"http://127.0.0.1:{metrics}", kit)
    finally:
        kit("down", str(topology), "--volumes")


def test_an_order_goes_full_circle_and_a_wrong_password_does_not(deployed: Deployed) -> None:
    status, body = shop.order(deployed.url)
    assert status == 200, body
    assert body.startswith("<ack>")
    assert shop.order(deployed.url, "not it")[0] == 401


def test_status_shows_every_actor_with_its_replicas_and_url(deployed: Deployed) -> None:
    done = deployed.kit("status", NAME)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["ACTOR", "REPLICAS", "HEALTH", "PUBLISHED", "WAITING"]
    shown = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert shown["worker"] == ["2/2", "healthy", "0"]
    assert shown["web"] == ["1/1", "healthy", deployed.url, "0"]
    assert deployed.kit("status", str(deployed.topology)).stdout == done.stdout


def test_logs_are_those_of_the_actor_that_was_asked_for(deployed: Deployed) -> None:
    done = deployed.kit("logs", "execute", "-d", NAME)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines
    messages = [json.loads(line) for line in lines]
    assert all(message["actor"] == "execute" for message in messages)
    assert all(message["container"].startswith("execute-") for message in messages)
    everything = deployed.kit("logs", "-d", NAME, "-o", "text").stdout.splitlines()
    times = [line[:23] for line in everything if line.startswith("20")]
    assert times == sorted(times)
    unknown = deployed.kit("logs", "exekute", "-d", NAME)
    assert unknown.returncode == 2
    assert f'"{NAME}" has no actor "exekute"' in unknown.stderr


def test_deploying_again_changes_nothing(deployed: Deployed) -> None:
    before = deployed.containers()
    done = deployed.kit("deploy", str(deployed.topology))
    assert done.returncode == 0, done.stderr
    assert deployed.containers() == before


def test_three_executors_all_work_and_nobody_else_is_touched(deployed: Deployed) -> None:
    before = deployed.containers()
    done = deployed.kit("scale", "execute=3", "-d", NAME)
    assert done.returncode == 0, done.stderr
    after = deployed.containers()
    assert before.items() <= after.items()
    assert len(after) == len(before) + 2

    def all_work() -> bool:
        assert shop.orders(deployed.url, 60) == {200: 60}
        series = shop.ask(deployed.prometheus, 'sum by (instance) (actorkit_events_in_total{actor="execute"}) > 0')
        return len(series) == 3

    until(all_work, "three executors have had orders", 60, 0.25)


def test_prometheus_finds_every_replica_and_scrapes_it(deployed: Deployed) -> None:
    def all_up() -> bool:
        found = shop.targets(deployed.prometheus)
        return len(found) == len(deployed.containers()) - 1 and all(target["health"] == "up" for target in found)

    until(all_up, "each container but Prometheus' own is a target, and up", 60, 0.25)
    topologies = {target["labels"]["topology"] for target in shop.targets(deployed.prometheus)}
    assert topologies == {NAME}
    assert "ActorkitInstancesMissing" in shop.rules(deployed.prometheus)


def test_orders_are_still_answered_when_a_worker_is_killed(deployed: Deployed) -> None:
    victim = sorted(deployed.containers("worker"))[0]
    docker("kill", "--signal=KILL", victim)
    try:
        assert shop.orders(deployed.url, 40) == {200: 40}
        state = deployed.kit("status", NAME)
        assert state.returncode == 1
        assert re.search(r"^worker +1/2 +exited", state.stdout, re.MULTILINE)
    finally:
        docker("start", victim)


def test_a_container_may_do_nothing_that_it_need_not(deployed: Deployed) -> None:
    for name in deployed.containers():
        (found,) = json.loads(docker("inspect", name))
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["Privileged"] is False
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert found["Config"]["User"] in ("10001:10001", "65534:65534")


def test_an_inner_actor_cannot_reach_the_world(deployed: Deployed) -> None:
    reach = (
        "import socket, sys\ntry: socket.create_connection(('192.0.2.1', 80), 3)\nexcept OSError as e: print(e.errno)"
    )
    assert docker("exec", next(iter(deployed.containers("auth"))), "python", "-c", reach) == "101"  # ENETUNREACH


def test_a_changed_topology_changes_only_what_it_changes(deployed: Deployed) -> None:
    """And what waits for it: some versions of compose start that anew too."""
    before = deployed.containers()
    text = deployed.topology.read_text()
    try:
        deployed.topology.write_text(text.replace("limit_eur: 10000", "limit_eur: 1"))
        done = deployed.kit("deploy", str(deployed.topology))
        assert done.returncode == 0, done.stderr
        assert shop.order(deployed.url)[0] == 422
        after = deployed.containers()
        changed = {name for name, id_ in before.items() if after.get(name) != id_}
        assert {name for name in before if "-execute-" in name} <= changed
        assert not [name for name in changed if not re.search("-(execute|worker)-", name)]
    finally:
        deployed.topology.write_text(text)


def test_a_change_that_does_not_come_up_is_taken_back(deployed: Deployed) -> None:
    text = deployed.topology.read_text()
    code = deployed.topology.parent / "shop" / "shop" / "actors.py"
    source = code.read_text()
    try:
        code.write_text(source.replace("    params: Params\n", "    params: Params\n" + BROKEN_SETUP, 1))
        done = deployed.kit("deploy", str(deployed.topology), "--timeout", "60")
        assert done.returncode == 1
        assert f'"execute" ({NAME}-execute-' in done.stderr
        assert "the disk is on fire" in done.stderr
        assert re.search(r"What ran before \(revision \d\) was put back, and is healthy\.", done.stderr)
    finally:
        code.write_text(source)
        deployed.topology.write_text(text)
    until(lambda: shop.order(deployed.url)[0] in (200, 422), "orders are answered as before", 60, 0.25)


BROKEN_SETUP = """
    def setup(self) -> None:
        raise OSError("the disk is on fire")
"""


def test_a_deployment_that_does_not_come_up_leaves_nothing_behind(tmp_path: Path) -> None:
    needs.engine()
    topology = shop.copy(tmp_path / "orders", "orders-broken", **{"http: 8080": f"http: {free_port()}"})
    code = tmp_path / "orders" / "shop" / "shop" / "actors.py"
    code.write_text(code.read_text().replace("    params: Params\n", "    params: Params\n" + BROKEN_SETUP, 1))
    done = kit_with()("deploy", str(topology), "--no-prometheus", "--timeout", "60")
    assert done.returncode == 1
    assert '"execute" (orders-broken-execute-' in done.stderr
    assert "the disk is on fire" in done.stderr
    assert "taken down again" in done.stderr
    assert left("orders-broken") == ""


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    needs.engine()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        topology = shop.copy(tmp_path / "orders", "orders-port", **{"http: 8080": f"http: {port}"})
        done = kit_with()("deploy", str(topology), "--no-prometheus")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f'kit: port {port}, which "web" publishes, is in use on this machine. Free it')
    assert left("orders-port") == ""


def test_what_is_rendered_runs_without_kit_and_drains_coroutines(tmp_path: Path) -> None:
    needs.engine()
    port = free_port()
    topology = shop.copy(tmp_path / "orders", "orders-plain", **{"replicas: 3": "replicas: 1"})
    shop.make_coroutine(topology)
    kit = kit_with()
    assert kit("build", str(topology)).returncode == 0
    assert kit("render", "compose", str(topology), "-o", str(tmp_path / "out")).returncode == 0
    (tmp_path / "out" / ".env").write_text(f"WEB_HTTP_PORT={port}\n")
    compose: dict[str, Any] = {"cwd": tmp_path / "out", "capture_output": True, "text": True, "check": False}
    command = [needs.tool("docker"), "compose"]
    try:
        done = subprocess.run([*command, "up", "--detach", "--wait"], **compose)
        assert done.returncode == 0, done.stderr
        assert shop.orders(f"http://127.0.0.1:{port}", 40) == {200: 40}
        assert subprocess.run([*command, "stop", "execute"], **compose).returncode == 0
        assert docker("inspect", "--format", "{{.State.ExitCode}}", "orders-plain-execute-1") == "0"
    finally:
        subprocess.run([*command, "down", "--volumes"], **compose)
    assert left("orders-plain") == ""


def test_down_leaves_nothing(tmp_path: Path) -> None:
    needs.engine()
    topology = shop.copy(tmp_path / "orders", "orders-down", **{"http: 8080": f"http: {free_port()}"})
    kit = kit_with()
    assert kit("deploy", str(topology), "--no-prometheus").returncode == 0
    done = kit("down", "orders-down")
    assert done.returncode == 0, done.stderr
    assert left("orders-down") == ""
    again = kit("down", "orders-down", "-t", "compose")
    assert again.returncode == 2
    assert '"orders-down" is not deployed on this engine' in again.stderr


def test_without_an_engine_each_verb_says_so_in_one_line(tmp_path: Path) -> None:
    variables = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    for arguments in (["status"], ["logs"], ["down"], ["scale", "web=2"], ["deploy", str(ORDERS)]):
        done = kit_with(DOCKER_HOST=variables["DOCKER_HOST"])(*arguments, "-t", "compose")
        assert done.returncode == 1
        assert re.fullmatch(r'kit: no Docker Engine answers at "unix://.*"\. Start Docker, .*\n', done.stderr)
