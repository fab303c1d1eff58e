"""What has to hold before a deployment is built, changed or scaled: found before anything is touched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from docker import DockerClient

from actorkit_kit.deploy import ports
from actorkit_kit.deploy.replicas import Replica
from actorkit_kit.deploy.services import Service
from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import LOOPBACK, why_not_free
from actorkit_kit.render.dotenv import PROMETHEUS_IMAGE
from actorkit_kit.render.observability import PROMETHEUS

#: Variables of Prometheus in a rendered folder, and the port where there is none.
IMAGE_VARIABLE: Final = "PROMETHEUS_IMAGE"
PORT_VARIABLE: Final = "PROMETHEUS_PORT"
PROMETHEUS_PORT: Final = 9090
#: Ports from there that are looked at for a free one.
MOST_PORTS: Final = 100


def check_owner(topology: str, found: Iterable[Replica], folder: Path) -> None:
    """See that no other folder has deployed a topology of this name.

    Raises:
        KitError: one has.
    """
    others = _other_folders(found, folder)
    if others:
        raise KitError(
            f'"{topology}" runs already, deployed from "{others[0]}". Give this topology another name:, or end that '
            f"one (kit down {topology}), or have this one take its place: --replace."
        )


def check_meant(topology: str, found: Iterable[Replica], folder: Path) -> None:
    """See that what runs under the name of a topology is deployed from its folder, at least in part: one that was about
    to take another one's place may have been cut off.

    Raises:
        KitError: it is another one's.
    """
    replicas = list(found)
    others = _other_folders(replicas, folder)
    if others and {replica.folder for replica in replicas} <= set(others):
        raise KitError(
            f'"{topology}" runs, but is deployed from "{others[0]}", not from the topology that was named. Give that '
            f"one's, or the name alone to mean whatever is called so: {topology}"
        )


def _other_folders(found: Iterable[Replica], folder: Path) -> list[str]:
    """The folders that replicas are deployed from, but for one folder."""
    return sorted({replica.folder for replica in found if replica.folder} - {str(folder), str(folder.resolve())})


def check_prometheus(client: DockerClient, found: Iterable[Replica], folder: Path) -> dict[str, str]:
    """See that the image of Prometheus is there, or pull it, and that its port is free. Where nobody has named a port,
    it keeps the one that it has, and takes a free one where 9090 is another's: the variables that say so.

    Raises:
        KitError: it cannot be had.
    """
    replicas = list(found)
    settings = _settings(folder)
    chosen = port_of_prometheus(replicas, folder)
    if not chosen:
        port, where = settings.get(PORT_VARIABLE) or str(PROMETHEUS_PORT), folder / ".env"
        ours = {url.rpartition(":")[2] for replica in replicas for url in replica.urls}
        if port.isdigit() and port not in ours and _is_taken(int(port)):
            raise KitError(
                f"port {port}, where Prometheus would answer, is in use on this machine. Name another one, "
                f"{PORT_VARIABLE}={int(port) + 1} in the environment or in {where}, or deploy with --no-prometheus."
            )
    ports.check_prometheus(client, settings.get(IMAGE_VARIABLE) or PROMETHEUS_IMAGE)
    return chosen


def port_of_prometheus(found: Iterable[Replica], folder: Path) -> dict[str, str]:
    """The variable that moves Prometheus, where nobody has named a port and the usual one is another's."""
    return {} if _settings(folder).get(PORT_VARIABLE) else _choose_port(found)


def _settings(folder: Path) -> dict[str, str]:
    """The variables that compose sees."""
    return {**read_settings(folder / ".env"), **os.environ}


def _choose_port(replicas: Iterable[Replica]) -> dict[str, str]:
    """The variable that moves Prometheus; none where its port may be the usual one, or none is free."""
    has = [url.rpartition(":")[2] for replica in replicas if replica.actor == PROMETHEUS for url in replica.urls]
    if has:
        return {PORT_VARIABLE: has[0]}
    port = free_port(PROMETHEUS_PORT)
    return {PORT_VARIABLE: str(port)} if port != PROMETHEUS_PORT else {}


def free_port(first: int) -> int:
    """The first port from there on where nobody listens; the first one itself where that cannot be told."""
    return next((port for port in range(first, first + MOST_PORTS) if not _is_taken(port)), first)


def _is_taken(port: int) -> bool:
    """Whether somebody listens at a port of this machine, where the engine is on this one."""
    return os.environ.get("DOCKER_HOST", "unix://").startswith("unix://") and bool(why_not_free(LOOPBACK, port))


def read_settings(path: Path) -> dict[str, str]:
    """The settings of a .env file, as compose reads plain ones; an empty mapping without a file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#") and "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def check_published(topology: str, services: Mapping[str, Service], wanted: Mapping[str, int]) -> None:
    """See that each replica has a port to publish.

    Raises:
        KitError: one would have none.
    """
    for actor, count in sorted(wanted.items()):
        for port in services[actor].published if actor in services else ():
            found = ports.published_ports(str(port.get("published", "")))
            if found and count > len(found):
                which = f"port {found[0]}" if len(found) == 1 else f"ports {found[0]} to {found[-1]}"
                raise KitError(
                    f'"{actor}" of {topology} publishes {which}, so it cannot have {count} replicas. Say '
                    f"replicas: {count} in the topology, then each gets a port of its own, and deploy again."
                )
