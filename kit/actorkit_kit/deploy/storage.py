"""Whether a cluster has storage for what actors keep. One without any would leave their pods pending for ever."""

from __future__ import annotations

from typing import Any

from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.pods import ACTOR_LABEL, RELEASE_LABEL
from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Plan


def ends_with_its_pod(plan: Plan, cluster: Cluster) -> bool:
    """Whether what the actors of a release keep has to end with their pods: the cluster has no storage class and no
    volume. A release that is there stays as it is, as a StatefulSet's claims cannot be changed. False where nobody
    keeps anything, and where the cluster does not say."""
    keepers = {unit.name for unit in plan.units if unit.keeps}
    if not keepers:
        return False
    for there in _items(cluster, "statefulsets", f"--selector={RELEASE_LABEL}={plan.topology}") or ():
        if there["metadata"].get("labels", {}).get(ACTOR_LABEL) in keepers:
            return not there["spec"].get("volumeClaimTemplates")
    return _items(cluster, "storageclasses") == [] and _items(cluster, "persistentvolumes") == []


def _items(cluster: Cluster, *what: str) -> list[dict[str, Any]] | None:
    """Objects of the cluster; None where they cannot be had, as a user may see a namespace and no more."""
    try:
        return cluster.get(*what)
    except KitError:
        return None
