"""What has to hold before a deployment is built, changed or scaled: found before anything is touched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from docker import DockerClient

from actorkit_kit.deploy import ports
from actorkit_kit.deploy.deployment import Replica
from actorkit_kit.deploy.services import Service
from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import LOOPBACK, why_not_free
from actorkit_kit.render.dotenv import PROMETHEUS_IMAGE

#: Variables of Prometheus in a rendered folder, and the port where there is none.
IMAGE_VARIABLE: Final = "PROMETHEUS_IMAGE"
PORT_VARIABLE: Final = "PROMETHEUS_PORT"
PROMETHEUS_PORT: Final = 9090


def check_owner(topology: str, found: Iterable[Replica], folder: Path) -> None:
    """See that no other folder has deployed a topology of this name.

    Raises:
        KitError: one has.
    """
    others = sorted({replica.folder for replica in found if replica.folder} - {str(folder), str(folder.resolve())})
    if others:
        raise KitError(
            f'"{topology}" runs already, deployed from "{others[0]}". Give this topology another name:, or end that '
            f"one (kit down {topology}), or have this one take its place: --replace."
        )


def check_prometheus(client: DockerClient, found: Iterable[Replica], folder: Path) -> None:
    """See that the image of Prometheus is there, or pull it, and that its port is free.

    Raises:
        KitError: it cannot be had.
    """
    settings = {**read_settings(folder / ".env"), **os.environ}
    port, where = settings.get(PORT_VARIABLE) or str(PROMETHEUS_PORT), folder / ".env"
    ours = {url.rpartition(":")[2] for replica in found for url in replica.urls}
    is_here = os.environ.get("DOCKER_HOST", "unix://").startswith("unix://")
    if is_here and port.isdigit() and port not in ours and why_not_free(LOOPBACK, int(port)):
        raise KitError(
            f"port {port}, where Prometheus would answer, is in use on this machine. Name another one, "
            f"{PORT_VARIABLE}={int(port) + 1} in the environment or in {where}, or deploy with --no-prometheus."
        )
    ports.check_prometheus(client, settings.get(IMAGE_VARIABLE) or PROMETHEUS_IMAGE)


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
