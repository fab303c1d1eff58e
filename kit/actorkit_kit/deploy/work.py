"""How much work waits in a deployment on a Docker Engine: its instances are asked, by a command inside one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from docker import DockerClient
from docker.errors import DockerException

from actorkit.errors import UNREADABLE
from actorkit_kit.deploy import deployment
from actorkit_kit.deploy.deployment import Replica
from actorkit_kit.instance import InstanceStatus
from actorkit_kit.plan.model import ADMIN_PORT

MODULE: Final = "actorkit.observe.scale"


def with_work(client: DockerClient, topology: str, replicas: Sequence[Replica]) -> list[InstanceStatus]:
    """The replicas as instances, each with what it says of the work that waits. That is left out where nobody can be
    asked: images of an older version do not have the command."""
    brokers = {container.name for container in _running(client, topology, f"{deployment.KIND_LABEL}=broker")}
    told = _told(client, topology, [one.container for one in replicas if one.healthy])
    return [
        instance.with_work(told.get(replica.container, {}), is_broker=replica.container in brokers)
        for replica, instance in zip(replicas, deployment.instances(replicas), strict=True)
    ]


def _told(client: DockerClient, topology: str, containers: Sequence[str]) -> dict[str, dict[str, int]]:
    """What these containers say, by their names."""
    asked = next((one for one in _running(client, topology, deployment.ACTOR_LABEL) if one.name in containers), None)
    if asked is None:
        return {}
    addresses = {f"{name}:{ADMIN_PORT}": name for name in containers}
    try:
        status, (out, _) = asked.exec_run(["python", "-m", MODULE, *addresses], demux=True)
        found = msgspec.json.decode(out or b"", type=dict[str, dict[str, int]]) if status == 0 else {}
    except (DockerException, *UNREADABLE):
        return {}
    return {addresses[address]: one for address, one in found.items() if address in addresses}


def _running(client: DockerClient, topology: str, label: str) -> Sequence[Any]:
    labels = [f"{deployment.TOPOLOGY_LABEL}={topology}", label]
    found: Sequence[Any] = client.containers.list(filters={"label": labels}, ignore_removed=True)
    return found
