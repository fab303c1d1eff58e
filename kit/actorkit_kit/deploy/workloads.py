"""What of a release makes pods: its Deployments and StatefulSets, one for each actor; and how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from actorkit_kit.deploy import pods
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.pods import ACTOR_LABEL, RELEASE_LABEL, TOPOLOGY_LABEL, Pod
from actorkit_kit.instance import ActorStatus, actors_of

#: What makes pods, as kubectl names it.
KINDS: Final = "deployments,statefulsets"


@dataclass(frozen=True)
class Workload:
    """A Deployment or a StatefulSet. `kind/name` is how kubectl names it; `updated` are pods of its newest version;
    `settled`: there are as many ready pods of that as are wanted, and no others. `version` changes with each change."""

    actor: str
    release: str
    topology: str
    kind: str
    name: str
    wanted: int
    updated: int
    settled: bool
    version: str

    @property
    def reference(self) -> str:
        return f"{self.kind}/{self.name}"


def read_workload(found: Mapping[str, Any]) -> Workload:
    """A workload as kubectl gives it."""
    metadata, status = found["metadata"], found.get("status", {})
    labels, wanted = metadata.get("labels", {}), int(found["spec"].get("replicas", 1))
    counts = [int(status.get(name, 0)) for name in ("replicas", "updatedReplicas", "readyReplicas")]
    return Workload(
        actor=labels.get(ACTOR_LABEL, "?"),
        release=labels.get(RELEASE_LABEL, "?"),
        topology=labels.get(TOPOLOGY_LABEL, "?"),
        kind=found["kind"].lower(),
        name=metadata["name"],
        wanted=wanted,
        updated=counts[1],
        settled=status.get("observedGeneration", 0) >= metadata.get("generation", 0) and counts == [wanted] * 3,
        version=f"{metadata.get('uid', '')}.{metadata.get('generation', 0)}",
    )


@dataclass(frozen=True)
class Rollout:
    """How far a release is: its workloads, and its pods."""

    workloads: tuple[Workload, ...]
    pods: tuple[Pod, ...]

    @property
    def versions(self) -> frozenset[str]:
        """What changes when a workload is made, changed or deleted."""
        return frozenset(workload.version for workload in self.workloads)

    @property
    def settled(self) -> bool:
        return all(workload.settled for workload in self.workloads)

    def actors(self, urls: Mapping[str, Sequence[str]] | None = None) -> list[ActorStatus]:
        """A row for each actor. One whose pods are being replaced counts only those of the new version."""
        wanted = {workload.actor: workload.wanted for workload in self.workloads}
        by_actor = {workload.actor: workload for workload in self.workloads}
        rows = actors_of((pod.instance() for pod in self.pods), wanted)
        return [_row(row, by_actor.get(row.actor), tuple((urls or {}).get(row.actor, ()))) for row in rows]


def _row(row: ActorStatus, workload: Workload | None, urls: tuple[str, ...]) -> ActorStatus:
    if workload is None or workload.settled:
        return replace(row, urls=urls)
    health = "rolling" if row.health == "healthy" else row.health
    return replace(row, healthy=min(row.healthy, workload.updated), health=health, urls=urls)


def read_rollout(found: Iterable[Mapping[str, Any]]) -> Rollout:
    """Workloads and pods of one release, as kubectl gives them."""
    objects = list(found)
    workloads = [read_workload(one) for one in objects if one["kind"] in ("Deployment", "StatefulSet")]
    return Rollout(
        tuple(sorted(workloads, key=lambda workload: workload.actor)),
        tuple(pods.in_order(one for one in objects if one["kind"] == "Pod")),
    )


def find_rollout(cluster: Cluster, release: str) -> Rollout:
    """How far a release is; without workloads where there is none.

    Raises:
        KitError: the cluster does not tell.
    """
    return read_rollout(cluster.get(f"{KINDS},pods", f"--selector={RELEASE_LABEL}={release},{TOPOLOGY_LABEL}"))
