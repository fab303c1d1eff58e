"""Bringing the compose target up on a Docker Engine, and taking it back when it does not come up."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound

from actorkit_kit.deploy import deployment, engine
from actorkit_kit.deploy.deployment import ActorStatus
from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import why_not_free
from actorkit_kit.image import build
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import compose, folder, mounts

OnStatus = Callable[[list[ActorStatus]], None]


def deployment_folder(plan: Plan) -> Path:
    """Where a deployment's files are kept: beside the topology."""
    return plan.base / ".kit" / plan.topology


@dataclass(frozen=True)
class Start:
    """One start of a deployment: what is wanted, from where, and what was there before."""

    client: DockerClient
    plan: Plan
    folder: Path
    profile: tuple[str, ...]
    on_status: OnStatus
    wanted: Mapping[str, int]
    timeout_s: float
    files_before: Mapping[str, str | bytes]
    images_before: Mapping[str, str]
    volumes_before: bool

    def compose(self, *arguments: str) -> str:
        return engine.run_compose([*self.profile, *arguments], project=self.plan.topology, folder=self.folder)

    def wait(self, busy: Callable[[], bool] = lambda: False) -> list[ActorStatus]:
        return deployment.wait_healthy(
            self.client, self.plan.topology, self.wanted, self.timeout_s, self.on_status, busy
        )


def deploy(
    client: DockerClient,
    plan: Plan,
    on_status: OnStatus,
    *,
    prometheus: bool,
    timeout_s: float,
    keep: bool = False,
    images_before: Mapping[str, str] | None = None,
) -> list[ActorStatus]:
    """Write the folder, start everything, wait until it is healthy.

    When it fails, what was there before is put back: nothing, or the deployment that ran, with `images_before`
    (tag → id).

    Raises:
        KitError: it did not come up; the message says which instance, and what it said last.
    """
    where = deployment_folder(plan)
    running = deployment.list_replicas(client, plan.topology)
    rendered = compose.render(plan)
    start = Start(
        client=client,
        plan=plan,
        folder=where,
        profile=("--profile", "observability") if prometheus else (),
        on_status=on_status,
        wanted={unit.name: unit.replicas for unit in plan.units} | ({compose.PROMETHEUS: 1} if prometheus else {}),
        timeout_s=timeout_s,
        files_before=folder.read(where) if running else {},
        images_before=images_before or {},
        volumes_before=bool(client.volumes.list(filters={"label": f"{deployment.TOPOLOGY_LABEL}={plan.topology}"})),
    )
    folder.write(rendered, where, compose.PRIVATE)
    folder.write({".gitignore": "*\n"}, where.parent)
    services = json.loads(start.compose("config", "--format", "json"))["services"]
    _check_ports(services, {url for replica in running for url in replica.urls})
    if prometheus:
        _check_prometheus(client, services[compose.PROMETHEUS]["image"])
    try:
        state = _up(start)
        _refresh_secrets(start, rendered)
    except BaseException as exc:
        if keep:
            raise
        outcome = _roll_back(start)
        if isinstance(exc, KitError):
            raise KitError(f"{exc}\n{outcome}") from exc
        raise
    return state


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
            for number in published_ports(port.get("published", "")):
                if str(number) not in taken and why_not_free(port.get("host_ip", ""), number):
                    raise KitError(
                        f'port {number}, which "{name}" publishes, is in use on this machine. Free it, or '
                        f'give "{name}" another one: expose in the topology, or .env beside the compose file.'
                    )


def published_ports(published: str) -> range:
    """The ports of `8080`, or of the range `8080-8082`, as compose writes them."""
    first, _, last = published.partition("-")
    return range(int(first), int(last or first) + 1) if first.isdigit() else range(0)


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


def _up(start: Start) -> list[ActorStatus]:
    arguments = [*start.profile, "up", "--detach", "--remove-orphans", "--no-build", "--quiet-pull"]
    with tempfile.TemporaryFile("w+") as said:
        process = engine.compose(
            arguments,
            project=start.plan.topology,
            folder=start.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            return start.wait(lambda: _is_working(start, process, said))
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()


def _is_working(start: Start, process: subprocess.Popen[str], said: IO[str]) -> bool:
    """Whether compose still works.

    Raises:
        KitError: it failed; the message tells of the instance that it failed for, where there is one.
    """
    status = process.poll()
    if not status:
        return status is None
    said.seek(0)
    complaint = last_line(said.read())
    ill = deployment.first_unhealthy(deployment.list_replicas(start.client, start.plan.topology))
    if ill is None or ill.container not in complaint:
        raise KitError(f"docker compose up failed: {complaint}")
    raise KitError(deployment.failure_report(start.client, ill, f"is {ill.health or ill.state}"))


def _refresh_secrets(start: Start, rendered: Mapping[str, str | bytes]) -> None:
    """Start anew what reads a secret that has changed. Compose does not look into files, and a label would tell."""
    changed = {
        path
        for path, data in rendered.items()
        if path.startswith("secrets/") and start.files_before.get(path, data) != data
    }
    stale = sorted(
        unit.name
        for unit in start.plan.units
        if any(f"secrets/{name}" in changed for name in mounts.secret_targets(unit))
    )
    if stale:
        start.compose("up", "--detach", "--no-deps", "--no-build", "--force-recreate", *stale)
        start.wait()


def _roll_back(start: Start) -> str:
    """Put back what was there before; a sentence that says what that was."""
    if not start.files_before:
        # Volumes that an earlier deployment left hold dead letters and requests that it promised to keep.
        take_down(start.plan.topology, start.folder, volumes=not start.volumes_before)
        return "Everything of it was taken down again; --keep leaves it for a look."
    folder.write(start.files_before, start.folder, compose.PRIVATE)
    build.restore_tags(start.client, start.images_before)
    start.compose("up", "--detach", "--remove-orphans", "--no-build")
    return "The deployment that ran before was put back."


def take_down(topology: str, where: Path | None, *, volumes: bool) -> None:
    """Stop and remove everything of a deployment, by the labels that compose gives; its volumes only on demand.

    Raises:
        KitError: compose could not.
    """
    here = where if where and (where / "compose.yaml").is_file() else None
    profile = ["--profile", "*"] if here else []
    arguments = [*profile, "down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    engine.run_compose(arguments, project=topology, folder=here)


def scale(
    client: DockerClient, topology: str, wanted: Mapping[str, int], on_status: OnStatus, timeout_s: float
) -> list[ActorStatus]:
    """Give actors other numbers of replicas; no other container is touched.

    Raises:
        UsageError: there is no such deployment or actor.
        KitError: compose could not, or new replicas did not become healthy.
    """
    where = deployment.compose_folder(deployment.find_replicas(client, topology))
    amounts = [f"--scale={actor}={count}" for actor, count in sorted(wanted.items())]
    arguments = ["up", "--detach", "--no-deps", "--no-recreate", "--no-build", *amounts, *sorted(wanted)]
    engine.run_compose(arguments, project=topology, folder=where)
    return deployment.wait_healthy(client, topology, wanted, timeout_s, on_status)
