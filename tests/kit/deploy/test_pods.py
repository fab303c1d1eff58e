"""Why a pod is not ready, and which revision of a release ran."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit_kit.deploy import helm, pods
from actorkit_kit.errors import UsageError


def pod(ready: str = "False", *states: dict[str, Any], **more: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}, *more.pop("conditions", [])]
    return {"metadata": {"name": "p", **more}, "status": {"conditions": conditions, "containerStatuses": list(states)}}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (pod("True"), None),
        (pod("False", deletionTimestamp="2026"), None),
        (pod("False"), ("p", "")),
        (pod("False", {"state": {"waiting": {"reason": "ContainerCreating"}}}), ("p", "")),
        (
            pod("False", {"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "no\n image"}}}),
            ("p", "waits: ErrImageNeverPull: no image"),
        ),
        (
            pod("False", {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2}),
            ("p", "waits: CrashLoopBackOff"),
        ),
        (pod("False", {"state": {"running": {}}, "restartCount": 1}), ("p", "was started again 1 times")),
        (
            pod("False", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes."}]),
            ("p", "has no node: 0/1 nodes"),
        ),
    ],
)
def test_a_pod_that_is_not_ready_tells_why(found: dict[str, Any], told: object) -> None:
    assert pods.read_pod(found) == told


def test_the_last_revision_that_ran_is_not_one_that_failed() -> None:
    rows = [
        ("1", "t", "superseded", ""),
        ("2", "t", "failed", ""),
        ("3", "t", "deployed", ""),
        ("4", "t", "failed", ""),
    ]
    assert helm.last_that_ran(rows) == 3
    assert helm.last_that_ran(rows, before=3) == 1
    assert helm.last_that_ran([]) is None


def test_a_release_must_be_named() -> None:
    with pytest.raises(UsageError, match="name the release"):
        helm.release_of("")
