"""The containers of a deployment on a Docker Engine: found by their labels, watched until they are healthy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docker import DockerClient
from docker.errors import NotFound

from actorkit.errors import EX_CONFIG
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.instance import ActorStatus, InstanceStatus, actors_of
from actorkit_kit.plan.model import INBOX_PORT

#: Labels of the containers of a deployment.
TOPOLOGY_LABEL: Final = "io.actorkit.topology"
ACTOR_LABEL: Final = "io.actorkit.actor"
KIND_LABEL: Final = "io.actorkit.kind"
#: Label of compose with the folder of the compose file.
FOLDER_LABEL: Final = "com.docker.compose.project.working_dir"
#: Seconds between two looks at the engine.
POLL_INTERVAL_S: Final = 0.5
#: States of a container that is being removed; the engine calls it dead for a moment.
_GOES: Final = ("removing", "dead")
#: Restarts after which a container counts as failed.
MAX_RESTARTS: Final = 3
#: Longest reason that a replica is not healthy, in characters.
MAX_WHY: Final = 200
#: What the status of an instance that has ended means.
ENDS: Final = {
    1: "the actor failed",
    EX_CONFIG: "its settings are wrong",
    75: "events were left unfinished when its time to drain was over",
    86: "its loop stood still",
    137: "it was killed",
    139: "it crashed in native code",
    143: "it was stopped before it could drain",
}
#: Lines of a failed container's log that are shown.
TAIL_LINES: Final = 10


@dataclass(frozen=True)
class Replica:
    """A container of a deployment. `actor` is the name of its service; `health` is the engine's word, "" for none;
    `why` is what its last check of health said."""

    actor: str
    container: str
    state: str
    health: str
    restarts: int
    exit_status: int
    urls: tuple[str, ...]
    folder: str
    why: str = ""
    #: The instance's own name, as in its logs and metrics: `execute-2`.
    name: str = ""
    #: How it ended, in words; "" while it runs.
    ended: str = ""

    @property
    def healthy(self) -> bool:
        return self.state == "running" and self.health in ("healthy", "")

    @property
    def failed(self) -> str:
        """Why this one will not become healthy, "" if it still may; an unhealthy one may: it drains, or lacks peers.
        One that is being removed is no failure of what takes its place."""
        if self.state in _GOES:
            return ""
        if self.exit_status == EX_CONFIG and self.state != "running":
            return f"ended with status {EX_CONFIG}: its settings are wrong"
        if self.restarts >= MAX_RESTARTS:
            return f"was started again {self.restarts} times"
        return ""


def list_replicas(client: DockerClient, topology: str = "") -> list[Replica]:
    """The containers of a deployment, or of all; ordered by actor and name."""
    label = f"{TOPOLOGY_LABEL}={topology}" if topology else TOPOLOGY_LABEL
    containers = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return sorted((read_replica(container.attrs) for container in containers), key=lambda r: (r.actor, r.container))


def read_replica(attributes: Mapping[str, Any]) -> Replica:
    """A container as `docker inspect` tells of it."""
    state, labels = attributes["State"], attributes["Config"]["Labels"]
    return Replica(
        actor=labels.get(ACTOR_LABEL, labels.get(KIND_LABEL, "?")),
        container=attributes["Name"].lstrip("/"),
        state=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        restarts=attributes.get("RestartCount", 0),
        exit_status=state.get("ExitCode", 0),
        urls=tuple(_urls(attributes["NetworkSettings"].get("Ports") or {})),
        folder=labels.get(FOLDER_LABEL, ""),
        why=_last_words(state.get("Health", {}).get("Log") or ()),
        name=_instance_name(attributes["Name"].lstrip("/"), labels),
        ended=_end_of(state),
    )


def _instance_name(container: str, labels: Mapping[str, str]) -> str:
    """The name of the container less the topology before it, which is what the instance finds in the DNS."""
    return container.removeprefix(f"{labels.get(TOPOLOGY_LABEL, '')}-")


def _end_of(state: Mapping[str, Any]) -> str:
    """How a container ended, in words; "" while it runs."""
    if state["Status"] in ("running", "paused", "created"):
        return ""
    status = state.get("ExitCode", 0)
    reason = "there was not enough memory" if state.get("OOMKilled") else ENDS.get(status, "")
    since = str(state.get("FinishedAt", ""))[:19]
    when = f" at {since}Z" if since and not since.startswith("0001") else ""
    told = state.get("Error", "") or reason
    return f"ended with status {status}{when}" + (f": {told}" if told else "")


def _last_words(log: Sequence[Mapping[str, Any]]) -> str:
    """What the last check of health said, in one line."""
    return " ".join(str(log[-1].get("Output", "")).split())[:MAX_WHY] if log else ""


def _urls(ports: Mapping[str, Any]) -> Iterable[str]:
    """`127.0.0.1:8080`, as a URL: where a published port is reached."""
    for container_port, bindings in sorted(ports.items()):
        for binding in bindings or ():
            if ":" not in binding["HostIp"]:
                host = "127.0.0.1" if binding["HostIp"] == "0.0.0.0" else binding["HostIp"]
                scheme = "tcp" if container_port == f"{INBOX_PORT}/tcp" else "http"
                yield f"{scheme}://{host}:{binding['HostPort']}"


def list_topologies(client: DockerClient) -> list[str]:
    """Names of all deployments."""
    containers = client.containers.list(all=True, filters={"label": TOPOLOGY_LABEL}, ignore_removed=True)
    return sorted({container.labels[TOPOLOGY_LABEL] for container in containers})


def find_only(client: DockerClient) -> str:
    """The one deployment that there is.

    Raises:
        UsageError: there are none or several.
    """
    found = list_topologies(client)
    if not found:
        raise UsageError("nothing is deployed on this engine. Deploy with: kit deploy TOPOLOGY")
    if len(found) > 1:
        raise UsageError(f"there are several deployments: {', '.join(found)}. Name one of them.")
    return found[0]


def find_replicas(client: DockerClient, topology: str) -> list[Replica]:
    """The containers of a deployment that must be there.

    Raises:
        UsageError: it is not.
    """
    found = list_replicas(client, topology)
    if not found:
        others = ", ".join(list_topologies(client)) or "none"
        raise UsageError(f'"{topology}" is not deployed on this engine. There are: {others}.')
    return found


def compose_folder(found: Iterable[Replica]) -> Path:
    """The folder with the compose file of a deployment.

    Raises:
        KitError: it is gone.
    """
    folder = Path(next(iter(found)).folder)
    if not (folder / "compose.yaml").is_file():
        raise KitError(f'"{folder / "compose.yaml"}" is gone. Deploy again: kit deploy TOPOLOGY')
    return folder


def instances(found: Iterable[Replica]) -> list[InstanceStatus]:
    """The replicas as instances, each with what is wrong with it."""
    return [_instance(replica) for replica in found]


def _instance(replica: Replica) -> InstanceStatus:
    health = "healthy" if replica.healthy else replica.health if replica.state == "running" else replica.state
    why = "" if replica.healthy else replica.ended or replica.why
    if replica.state == "paused":
        why = f"it is paused. Let it go on: docker unpause {replica.container}"
    return InstanceStatus(replica.actor, replica.name, health, why, replica.restarts, replica.urls)


def wait_healthy(
    client: DockerClient,
    topology: str,
    wanted: Mapping[str, int],
    timeout_s: float,
    on_status: Callable[[Sequence[ActorStatus]], None],
    busy: Callable[[], bool] = lambda: False,
    among: frozenset[str] | None = None,
) -> list[ActorStatus]:
    """Wait until each actor has its replicas healthy, and no other ones; `look` sees every state on the way.

    `busy` says that somebody still works at it; an error there is raised through it. With `among` nothing is looked at
    but the containers of these names.

    Raises:
        KitError: an instance failed or the time is over; the message has its last log lines.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        working = busy()
        found = [
            replica
            for replica in list_replicas(client, topology)
            if replica.actor in wanted and (among is None or replica.container in among)
        ]
        state = actors_of(instances(found), wanted)
        on_status(state)
        failed = next((replica for replica in found if replica.failed), None)
        if failed is not None:
            raise KitError(failure_report(client, failed, failed.failed))
        counts = {actor: sum(replica.actor == actor for replica in found) for actor in wanted}
        if not working and counts == dict(wanted) and all(replica.healthy for replica in found):
            return state
        if time.monotonic() > deadline:
            raise KitError(_late(client, found, wanted, timeout_s))
        time.sleep(POLL_INTERVAL_S)


def _late(client: DockerClient, found: list[Replica], wanted: Mapping[str, int], timeout_s: float) -> str:
    late = first_unhealthy(found)
    if late is None:
        missing = next(row.actor for row in actors_of(instances(found), wanted) if row.healthy < row.wanted)
        return f'"{missing}" has not all of its replicas after {timeout_s:g} s. Try a longer --timeout.'
    return failure_report(client, late, f"is not healthy after {timeout_s:g} s")


def first_unhealthy(found: Iterable[Replica]) -> Replica | None:
    """The instance to look at first when a deployment does not get on."""
    order = ("unhealthy", "starting", "")
    ill = [replica for replica in found if not replica.healthy]
    return min(ill, key=lambda replica: (not replica.failed, order.index(replica.health)), default=None)


def failure_report(client: DockerClient, replica: Replica, what: str) -> str:
    """What happened to an instance, with the last lines of its log."""
    try:
        log = client.containers.get(replica.container).logs(tail=TAIL_LINES).decode(errors="replace").strip()
    except NotFound:
        log = ""
    said = "\n  ".join(log.splitlines()) or "nothing"
    return f'"{replica.actor}" ({replica.container}) {what}. Its last lines:\n  {said}'
