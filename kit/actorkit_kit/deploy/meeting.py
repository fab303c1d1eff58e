"""Whether running instances have met their peers: what each says about the connections that lead out of it."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from typing import Any, Final

from docker import DockerClient
from docker.errors import DockerException

from actorkit_kit.deploy.replicas import ACTOR_LABEL, POLL_INTERVAL_S, TOPOLOGY_LABEL

#: Longest wait for senders to find new receivers, in seconds. They look at the DNS every second.
MEET_S: Final = 10.0
#: Reads /metrics of its own instance without starting an interpreter.
_SCRIPT: Final = (
    'exec 3<>"/dev/tcp/127.0.0.1/${ACTORKIT_ADMIN##*:}" || exit 1; '
    'printf "GET /metrics HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n" >&3; '
    'while IFS= read -r -t 2 line <&3; do case "$line" in actorkit_peers{*) printf "%s\\n" "$line";; esac; done; true'
)
_PEERS: Final = re.compile(r'actorkit_peers\{.*?destination="([^"]*)".*\} (\d+)')


def read_peers(text: str) -> dict[str, int]:
    """Destination → instances of it that are known, the least of all outboxes."""
    found: dict[str, int] = {}
    for destination, number in _PEERS.findall(text):
        found[destination] = min(found.get(destination, int(number)), int(number))
    return found


def wait_met(client: DockerClient, topology: str, changed: Collection[str], timeout_s: float = MEET_S) -> bool:
    """Wait until every sender knows every instance of the actors that were changed. False when some do not in time:
    they will, and keep their events until then."""
    deadline = time.monotonic() + timeout_s
    pending = _running(client, topology)
    count: dict[str, int] = {}
    for container in pending:
        actor = container.labels[ACTOR_LABEL]
        count[actor] = count.get(actor, 0) + 1
    wanted = {actor: number for actor, number in count.items() if actor in changed}
    while pending := [container for container in pending if not _has_met(container, wanted)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_INTERVAL_S)
    return True


def _running(client: DockerClient, topology: str) -> list[Any]:
    label = f"{TOPOLOGY_LABEL}={topology}"
    found = client.containers.list(filters={"label": [label, ACTOR_LABEL]}, ignore_removed=True)
    return list(found)


def _has_met(container: Any, wanted: Mapping[str, int]) -> bool:
    """Whether an instance knows enough peers; one that cannot be asked is not waited for."""
    try:
        status, output = container.exec_run(["bash", "-c", _SCRIPT])
    except DockerException:
        return True
    if status:
        return True
    peers = read_peers(output.decode(errors="replace"))
    return all(peers[destination] >= wanted[destination] for destination in peers if destination in wanted)
