"""How far a release is, by its workloads and pods."""

from __future__ import annotations

from typing import Any

from actorkit_kit.deploy.workloads import read_rollout
from actorkit_kit.instance import ActorStatus
from tests.kit.deploy.test_pods import pod


def workload(actor: str, wanted: int, total: int, updated: int, ready: int, generation: int = 1) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {
            "name": f"orders-{actor}",
            "uid": actor,
            "generation": generation,
            "labels": {
                "app.kubernetes.io/component": actor,
                "app.kubernetes.io/instance": "orders",
                "io.actorkit.topology": "shop",
            },
        },
        "spec": {"replicas": wanted},
        "status": {
            "observedGeneration": 1,
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": ready,
        },
    }


def ready(ready: str = "True") -> dict[str, Any]:
    return {"kind": "Pod", **pod(ready)}


def test_a_rollout_is_done_when_all_pods_are_new_and_ready_and_no_other_is_left() -> None:
    done = read_rollout([workload("web", 2, 2, 2, 2), ready(), ready()])
    assert done.settled
    assert done.actors({"web": ["http://x:80"]}) == [ActorStatus("web", 2, 2, "healthy", ("http://x:80",))]
    for unfinished in (
        workload("web", 2, 3, 1, 3),
        workload("web", 2, 2, 2, 1),
        workload("web", 2, 2, 2, 2, generation=2),
    ):
        assert not read_rollout([unfinished]).settled


def test_while_it_rolls_only_pods_of_the_new_version_count() -> None:
    (row,) = read_rollout([workload("web", 2, 3, 1, 3), ready(), ready(), ready()]).actors()
    assert (row.healthy, row.wanted, row.health) == (1, 2, "rolling")


def test_a_change_of_a_workload_is_another_version() -> None:
    first = read_rollout([workload("web", 2, 2, 2, 2)])
    assert first.versions == read_rollout([workload("web", 2, 0, 0, 0)]).versions
    assert first.versions != read_rollout([workload("web", 2, 2, 2, 2, generation=2)]).versions
    assert first.workloads[0].reference == "deployment/orders-web"
