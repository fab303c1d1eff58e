"""What is found before a deployment is touched."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from socket import socket

import pytest
from docker import DockerClient

from actorkit_kit.deploy import preconditions
from actorkit_kit.deploy.engine import connect, run_compose
from actorkit_kit.deploy.replicas import Replica
from actorkit_kit.deploy.services import Service, read_services
from actorkit_kit.errors import KitError
from actorkit_kit.render.compose import render
from tests import needs
from tests.kit.plans import ORDERS, plan_of

WEB = Replica("web", "orders-web-1", "running", "healthy", 0, 0, ("http://127.0.0.1:8080",), "/a/.kit/orders")


def test_a_deployment_of_another_folder_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    with pytest.raises(KitError) as caught:
        preconditions.check_owner("orders", [WEB], tmp_path)
    assert str(caught.value).startswith('"orders" runs already, deployed from "/a/.kit/orders". Give this topology')
    preconditions.check_owner("orders", [WEB], Path("/a/.kit/orders"))
    preconditions.check_owner("orders", [replace(WEB, folder="")], tmp_path)
    preconditions.check_owner("orders", [], tmp_path)


def test_a_deployment_of_another_folder_is_not_meant_by_a_topology(tmp_path: Path) -> None:
    with pytest.raises(KitError) as caught:
        preconditions.check_meant("orders", [WEB], tmp_path)
    assert str(caught.value).startswith('"orders" runs, but is deployed from "/a/.kit/orders", not from the topology')
    preconditions.check_meant("orders", [WEB], Path("/a/.kit/orders"))
    # Neither is a place that was about to be taken, nor what no folder is known of.
    preconditions.check_meant("orders", [WEB, replace(WEB, folder=str(tmp_path))], tmp_path)
    preconditions.check_meant("orders", [replace(WEB, folder="")], tmp_path)


def test_a_folder_that_is_reached_by_a_link_is_the_same_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    preconditions.check_owner("orders", [replace(WEB, folder=str(tmp_path.resolve() / "real"))], tmp_path / "link")


@pytest.fixture
def nobody() -> DockerClient:
    """A client of no engine: what is asked of it fails."""
    return DockerClient(base_url="tcp://127.0.0.1:1", version="1.41")


def test_prometheus_takes_a_free_port_where_none_is_named_and_keeps_the_one_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("PROMETHEUS_PORT", raising=False)
    needs.engine()
    needs.image("prom/prometheus:v3.5.0", otherwise="prom/prometheus:v3")
    with closing(connect()) as client, socket() as taken:
        with suppress(OSError):  # then another one has it
            taken.bind(("127.0.0.1", 9090))
            taken.listen()
        chosen = preconditions.check_prometheus(client, [WEB], tmp_path)
        assert 9090 < int(chosen["PROMETHEUS_PORT"]) < 9190
        runs = replace(WEB, actor="prometheus", urls=("http://127.0.0.1:9123",))
        assert preconditions.check_prometheus(client, [WEB, runs], tmp_path) == {"PROMETHEUS_PORT": "9123"}
        (tmp_path / ".env").write_text("PROMETHEUS_PORT=9123\n")
        assert preconditions.check_prometheus(client, [WEB, runs], tmp_path) == {}


def test_a_port_of_prometheus_that_is_taken_is_named_with_its_variable(
    tmp_path: Path, nobody: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / ".env").write_text(f'# a comment=1\nPROMETHEUS_PORT="{port}"\n')
        with pytest.raises(KitError) as caught:
            preconditions.check_prometheus(nobody, [WEB], tmp_path)
    told = str(caught.value)
    assert told.startswith(f"port {port}, where Prometheus would answer, is in use on this machine.")
    assert f"PROMETHEUS_PORT={port + 1} in the environment or in {tmp_path}/.env" in told


def services(text: str, shop: Path, folder: Path) -> dict[str, Service]:
    """Compose's own reading of what is rendered."""
    for path, content in render(plan_of(text, shop)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    needs.tool("docker")
    return read_services(lambda *arguments: run_compose(arguments, project="orders", folder=folder))


def test_an_actor_gets_no_more_replicas_than_it_has_ports(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    one = services(ORDERS, shop, tmp_path_factory.mktemp("one"))
    preconditions.check_published("orders", one, {"web": 1, "execute": 50})
    with pytest.raises(KitError) as caught:
        preconditions.check_published("orders", one, {"web": 2})
    assert str(caught.value) == (
        '"web" of orders publishes port 8080, so it cannot have 2 replicas. Say replicas: 2 in the topology, then each '
        "gets a port of its own, and deploy again."
    )
    text = ORDERS.replace("expose: {http: 8080}", "expose: {http: 8080}, replicas: 2")
    two = services(text, shop, tmp_path_factory.mktemp("two"))
    preconditions.check_published("orders", two, {"web": 2})
    with pytest.raises(KitError, match="publishes ports 8080 to 8081, so it cannot have 3 replicas"):
        preconditions.check_published("orders", two, {"web": 3})
