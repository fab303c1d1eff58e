"""Bringing the compose target up on a Docker Engine, and taking it back when it does not come up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound

from actorkit_kit import deployment, engine
from actorkit_kit.deployment import Row
from actorkit_kit.errors import KitError
from actorkit_kit.plan import Plan
from actorkit_kit.targets import compose, folder

Look = Callable[[list[Row]], None]


def folder_for(plan: Plan) -> Path:
    """Where a deployment's files are kept: beside the topology."""
    return plan.base / ".kit" / plan.topology


def deploy(
    client: DockerClient, plan: Plan, look: Look, *, prometheus: bool, timeout_s: float, keep: bool = False
) -> list[Row]:
    """Write the folder, start everything, wait until it is healthy.

    When it fails, what was there before is put back: nothing, or the deployment that ran.

    Raises:
        KitError: it did not come up; the message says which instance, and what it said last.
    """
    where = folder_for(plan)
    before = folder.read(where) if deployment.replicas(client, plan.topology) else {}
    rendered = compose.render(plan)
    profile = ["--profile", "observability"] if prometheus else []
    folder.write(rendered, where, compose.PRIVATE)
    ours = {url for replica in deployment.replicas(client, plan.topology) for url in replica.urls}
    services = _services(plan, where, profile)
    _check_ports(services, ours)
    if prometheus:
        _check_prometheus(client, services[compose.PROMETHEUS]["image"])
    wanted = {unit.name: unit.replicas for unit in plan.units} | ({compose.PROMETHEUS: 1} if prometheus else {})
    try:
        state = _up(client, plan, where, profile, look, wanted, timeout_s)
        _refresh_secrets(client, plan, where, before, rendered, look, wanted, timeout_s)
    except BaseException:
        if not keep:
            _take_back(plan, where, profile, before)
        raise
    return state


def _services(plan: Plan, where: Path, profile: list[str]) -> dict[str, Any]:
    """The services as compose sees them, with `.env` and overrides applied."""
    found = engine.run_compose([*profile, "config", "--format", "json"], project=plan.topology, folder=where)
    services: dict[str, Any] = json.loads(found)["services"]
    return services


def _check_ports(services: Mapping[str, Any], ours: set[str]) -> None:
    """See that each published port is free, where the engine is on this machine.

    Raises:
        KitError: one is not.
    """
    if not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
        return
    taken = {url.rpartition(":")[2] for url in ours}
    for name, service in sorted(services.items()):
        for port in service.get("ports", ()):
            for number in _numbers(port.get("published", "")):
                if str(number) not in taken and not _free(port.get("host_ip", ""), number):
                    raise KitError(
                        f'port {number}, which "{name}" publishes, is in use on this machine. Free it, or give "{name}" '
                        "another one: expose in the topology, or .env beside the compose file."
                    )


def _numbers(published: str) -> range:
    first, _, last = published.partition("-")
    return range(int(first), int(last or first) + 1) if first.isdigit() else range(0)


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _check_prometheus(client: DockerClient, image: str) -> None:
    try:
        client.images.get(image)
    except ImageNotFound:
        try:
            client.images.pull(image)
        except DockerException as exc:
            raise KitError(
                f'the image "{image}" cannot be pulled. Load it, name another one in PROMETHEUS_IMAGE, '
                "or deploy with --no-prometheus."
            ) from exc


def _up(
    client: DockerClient,
    plan: Plan,
    where: Path,
    profile: list[str],
    look: Look,
    wanted: Mapping[str, int],
    timeout_s: float,
) -> list[Row]:
    arguments = [*profile, "up", "--detach", "--remove-orphans", "--no-build", "--quiet-pull"]
    with tempfile.TemporaryFile("w+") as said:
        process = engine.compose(
            arguments,
            project=plan.topology,
            folder=where,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            return deployment.wait_healthy(
                client, plan.topology, wanted, timeout_s, look, lambda: _working(process, said)
            )
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()


def _working(process: subprocess.Popen[str], said: IO[str]) -> bool:
    status = process.poll()
    if status:
        said.seek(0)
        raise KitError(f"docker compose up failed: {engine.last_line(said.read())}")
    return status is None


def _refresh_secrets(
    client: DockerClient,
    plan: Plan,
    where: Path,
    before: Mapping[str, str | bytes],
    rendered: Mapping[str, str | bytes],
    look: Look,
    wanted: Mapping[str, int],
    timeout_s: float,
) -> None:
    """Start anew what reads a secret that has changed: compose does not see it, and a label with its hash would tell."""
    changed = {
        path
        for path, content in rendered.items()
        if path.startswith("secrets/") and before.get(path, content) != content
    }
    stale = sorted(
        unit.name
        for unit in plan.units
        if any(f"secrets/{mount.name}" in changed for mount in unit.mounts if mount.secret)
    )
    if stale:
        engine.run_compose(
            ["up", "--detach", "--no-deps", "--no-build", "--force-recreate", *stale],
            project=plan.topology,
            folder=where,
        )
        deployment.wait_healthy(client, plan.topology, wanted, timeout_s, look)


def _take_back(plan: Plan, where: Path, profile: list[str], before: Mapping[str, str | bytes]) -> None:
    if before:
        folder.write(before, where, compose.PRIVATE)
        engine.run_compose(
            [*profile, "up", "--detach", "--remove-orphans", "--no-build"], project=plan.topology, folder=where
        )
        return
    take_down(plan.topology, where, volumes=True)


def take_down(topology: str, where: Path | None, *, volumes: bool) -> None:
    """Stop and remove everything of a deployment, by the labels that compose gives; its volumes only on demand.

    Raises:
        KitError: compose could not.
    """
    here = where if where and (where / "compose.yaml").is_file() else None
    profile = ["--profile", "*"] if here else []
    arguments = [*profile, "down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    engine.run_compose(arguments, project=topology, folder=here)


def scale(client: DockerClient, topology: str, wanted: Mapping[str, int], look: Look, timeout_s: float) -> list[Row]:
    """Give actors other numbers of replicas; no other container is touched.

    Raises:
        UsageError: there is no such deployment or actor.
        KitError: compose could not, or new replicas did not become healthy.
    """
    where = deployment.folder_of(deployment.existing(client, topology))
    amounts = [f"--scale={actor}={count}" for actor, count in sorted(wanted.items())]
    arguments = ["up", "--detach", "--no-deps", "--no-recreate", "--no-build", *amounts, *sorted(wanted)]
    engine.run_compose(arguments, project=topology, folder=where)
    return deployment.wait_healthy(client, topology, wanted, timeout_s, look)
