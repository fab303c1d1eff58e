"""Whether what a deployment publishes and runs can be had, before anything is started."""

from __future__ import annotations

import os
from collections.abc import Iterable

from docker import DockerClient
from docker.errors import DockerException

from actorkit_kit.deploy.engine import find_image
from actorkit_kit.deploy.services import Service
from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import why_not_free


def check_ports(services: Iterable[Service], ours: Iterable[str]) -> None:
    """See that each published port is free, where the engine is on this machine. `ours` are URLs of what runs already.

    Raises:
        KitError: one is not.
    """
    if not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
        return
    taken = {url.rpartition(":")[2] for url in ours}
    for service in sorted(services, key=lambda service: service.name):
        for port in service.published:
            for number in published_ports(port.get("published", "")):
                if str(number) not in taken and why_not_free(port.get("host_ip", ""), number):
                    raise KitError(
                        f'port {number}, which "{service.name}" publishes, is in use on this machine. Free it, or '
                        f'give "{service.name}" another one: expose in the topology, or .env beside the compose file.'
                    )


def published_ports(published: str) -> range:
    """The ports of `8080`, or of the range `8080-8082`, as compose writes them."""
    first, _, last = published.partition("-")
    return range(int(first), int(last or first) + 1) if first.isdigit() else range(0)


def check_prometheus(client: DockerClient, image: str) -> None:
    """See that the image of Prometheus is there, or pull it.

    Raises:
        KitError: it cannot be had.
    """
    try:
        find_image(client, image)
    except DockerException as exc:
        raise KitError(
            f'the image "{image}" cannot be pulled. Load it, name another one in PROMETHEUS_IMAGE, '
            "or deploy with --no-prometheus."
        ) from exc
