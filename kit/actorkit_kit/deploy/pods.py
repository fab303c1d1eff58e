"""The pods of a release: how each is, and why one does not get on, as its cluster tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from actorkit.errors import EX_CONFIG
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.inside import fetch_command, read_answer
from actorkit_kit.deploy.replicas import ENDS, MAX_RESTARTS, TAIL_LINES
from actorkit_kit.instance import InstanceStatus

#: Labels of whatever a chart of ours makes.
TOPOLOGY_LABEL: Final = "io.actorkit.topology"
RELEASE_LABEL: Final = "app.kubernetes.io/instance"
ACTOR_LABEL: Final = "app.kubernetes.io/component"
#: The container of an actor in its pod.
CONTAINER: Final = "actor"

#: Why a container waits that will not start by waiting: somebody has to change something.
_STUCK: Final = frozenset(
    (
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    )
)
#: Why a container waits that is about to start.
_BEGINS: Final = (None, "ContainerCreating", "PodInitializing")
#: What kubectl writes in the place of a log that the node has thrown away.
_NO_LOG: Final = "unable to retrieve container logs"
#: What the scheduler says of a pod whose claim has no volume.
_UNBOUND: Final = "unbound immediate PersistentVolumeClaims"


@dataclass(frozen=True)
class Pod:
    """A pod of a release. `health` is a word, `why` what is wrong. `stuck`: only a change helps it. `mute`: it runs and
    is not ready; what it lacks, it says itself. `crashed`: its last lines are those before its end."""

    name: str
    actor: str
    health: str
    why: str = ""
    restarts: int = 0
    stuck: bool = False
    mute: bool = False
    crashed: bool = False
    #: Another one for each pod, also where a name comes again.
    uid: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return self.health == "healthy"

    def instance(self) -> InstanceStatus:
        """The same as an instance; its name is that of the pod."""
        return InstanceStatus(self.actor, self.name, self.health, self.why, self.restarts)


def read_pod(pod: Mapping[str, Any]) -> Pod | None:
    """A pod as kubectl gives it; None for one that ends, as another has its place, and for the chart's own test."""
    metadata, spec, status = pod["metadata"], pod.get("spec", {}), pod.get("status", {})
    container = next((one for one in spec.get("containers", ()) if one["name"] == CONTAINER), None)
    if "deletionTimestamp" in metadata or container is None:
        return None
    variables = {one["name"]: one.get("value", "") for one in container.get("env", ())}
    claimed = (volume.get("persistentVolumeClaim", {}).get("claimName", "") for volume in spec.get("volumes", ()))
    running = status.get("containerStatuses", ())
    found: Mapping[str, Any] = next((one for one in running if one["name"] == CONTAINER), {})
    restarts = int(found.get("restartCount", 0))
    return Pod(
        name=metadata["name"],
        actor=metadata.get("labels", {}).get(ACTOR_LABEL, "?"),
        restarts=restarts,
        uid=metadata.get("uid", ""),
        variables=variables,
        claims=tuple(filter(None, claimed)),
        **_condition(status, found, restarts),
    )


def _condition(status: Mapping[str, Any], container: Mapping[str, Any], restarts: int) -> dict[str, Any]:
    """How a pod is: `health`, and what else is to be said of it."""
    conditions = {one["type"]: one for one in status.get("conditions", ())}
    if conditions.get("Ready", {}).get("status") == "True":
        return {"health": "healthy"}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        said = str(scheduled.get("message", "")).rstrip(". ")
        return {"health": "pending", "why": f"no node takes it: {said}" if said else "no node takes it"}
    if status.get("reason") == "Evicted":
        return {"health": "evicted", "why": str(status.get("message", "")).strip()}
    state, before = container.get("state", {}), container.get("lastState", {})
    ended = state.get("terminated") or before.get("terminated")
    waiting = state.get("waiting", {})
    if waiting.get("reason") in _STUCK:
        said = " ".join(str(waiting.get("message", "")).split())
        return {"health": "waiting", "why": f"{waiting['reason']}: {said}".rstrip(": "), "stuck": True}
    if ended and "running" not in state:
        stuck = restarts >= MAX_RESTARTS or ended.get("exitCode") == EX_CONFIG
        return {"health": "crashed", "why": _end_of(ended), "stuck": stuck, "crashed": True}
    if "running" in state:
        if restarts >= MAX_RESTARTS and ended:
            return {"health": "crashed", "why": _end_of(ended), "stuck": True, "crashed": True}
        return {"health": "unhealthy" if container.get("started") else "starting", "mute": True}
    reason = waiting.get("reason")
    return {"health": "starting", "why": "" if reason in _BEGINS else str(reason)}


def _end_of(ended: Mapping[str, Any]) -> str:
    """How a container ended, in words."""
    status = int(ended.get("exitCode", 0))
    reason = "there was not enough memory" if ended.get("reason") == "OOMKilled" else ENDS.get(status, "")
    said = " ".join(str(ended.get("message", "")).split())
    when = f" at {ended['finishedAt']}" if ended.get("finishedAt") else ""
    return f"ended with status {status}{when}" + (f": {reason or said}" if reason or said else "")


def list_pods(cluster: Cluster, release: str) -> list[Pod]:
    """The pods of a release, less those that end; ordered by actor and name.

    Raises:
        KitError: the cluster does not tell.
    """
    return in_order(cluster.get("pods", f"--selector={RELEASE_LABEL}={release},{TOPOLOGY_LABEL}"))


def in_order(found: Iterable[Mapping[str, Any]]) -> list[Pod]:
    """Pods as kubectl gives them, less those that end; ordered by actor and name."""
    return sorted(filter(None, map(read_pod, found)), key=lambda pod: (pod.actor, pod.name))


def first_ill(found: Iterable[Pod]) -> Pod | None:
    """The pod to look at first when a release does not get on: one that cannot start tells more than one that waits."""
    ill = [pod for pod in found if not pod.healthy]
    return min(ill, key=lambda pod: (not pod.stuck, not pod.crashed, not pod.why), default=None)


def failure_report(cluster: Cluster, pod: Pod) -> str:
    """What is wrong with a pod, and its last lines where it has run.

    Raises:
        KitError: the cluster does not tell.
    """
    why = pod.why
    if pod.claims and _UNBOUND in why:
        why = _pending_claims(cluster, pod) or why
    if pod.mute:
        why = why or _readiness(cluster, pod)
    # That a volume cannot be mounted, for example, is told by an event alone.
    why = why or _last_warning(cluster, "Pod", pod.name) or "it is not ready yet"
    lines = _last_lines(cluster, pod) if pod.mute or pod.crashed else []
    said = "\n  ".join(lines)
    return f'"{pod.actor}" (pod {pod.name}): {why}.' + (f" Its last lines:\n  {said}" if said else "")


def _readiness(cluster: Cluster, pod: Pod) -> str:
    """What a pod that runs says of itself; "" where it says nothing."""
    done = cluster.ask("exec", pod.name, f"--container={CONTAINER}", "--", *fetch_command("/readyz"))
    found = read_answer(done.stdout.replace("\n\n", "\r\n\r\n", 1).encode())
    return f"it is not ready: {found[1].decode().strip()}" if found and found[1].strip() else ""


def _pending_claims(cluster: Cluster, pod: Pod) -> str:
    """Which claims of a pod have no volume, and why."""
    told = []
    for one in cluster.get("persistentvolumeclaims"):
        name = one["metadata"]["name"]
        if name in pod.claims and one.get("status", {}).get("phase") == "Pending":
            wanted = one.get("spec", {})
            kind = f'the storage class "{wanted["storageClassName"]}"' if wanted.get("storageClassName") else "no class"
            why = _last_warning(cluster, "PersistentVolumeClaim", name, warnings=False)
            told.append(f'its claim "{name}" ({kind}) is pending' + (f": {why.rstrip('.')}" if why else ""))
    return "; ".join(told)


def _last_warning(cluster: Cluster, kind: str, name: str, *, warnings: bool = True) -> str:
    """What the last event about an object says; "" for none."""
    about = f"involvedObject.kind={kind},involvedObject.name={name}" + (",type=Warning" if warnings else "")
    found = cluster.get("events", f"--field-selector={about}")
    last = max(found, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", default=None)
    return " ".join(last["message"].split()).rstrip(".") if last else ""


def _last_lines(cluster: Cluster, pod: Pod) -> list[str]:
    command = ("logs", pod.name, f"--container={CONTAINER}", f"--tail={TAIL_LINES}")
    for options in (("--previous",), ()) if pod.crashed else ((),):
        done = cluster.ask(*command, *options)
        if not done.returncode and done.stdout.strip() and not done.stdout.startswith(_NO_LOG):
            return done.stdout.strip().splitlines()
    return []
