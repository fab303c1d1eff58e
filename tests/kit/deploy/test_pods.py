"""How the pods of a release are, and which revision of it ran."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actorkit_kit.deploy import helm, pods
from actorkit_kit.deploy.helm import Revision
from actorkit_kit.deploy.pods import Pod
from actorkit_kit.errors import UsageError
from actorkit_kit.instance import InstanceStatus


def pod(ready: str = "False", *, container: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A pod as kubectl gives it; `container` is the state of its container."""
    conditions = [{"type": "Ready", "status": ready}, *more.pop("conditions", [])]
    states = [] if container is None else [{"name": "actor", **container}]
    return {
        "metadata": {"name": "p", "labels": {"app.kubernetes.io/component": "web"}, **more},
        "spec": {"containers": [{"name": "actor", "env": [{"name": "A", "value": "b"}, {"name": "C"}]}]},
        "status": {"conditions": conditions, "containerStatuses": states},
    }


ENDED = {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-02T03:04:05Z"}
WRONG = {"exitCode": 78, "reason": "Error"}
KILLED = {"exitCode": 137, "reason": "OOMKilled"}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}


@pytest.mark.parametrize(
    ("found", "health", "why"),
    [
        (pod("True"), "healthy", ""),
        (pod(), "starting", ""),
        (pod(container={"state": {"waiting": {"reason": "ContainerCreating"}}}), "starting", ""),
        (
            pod(container={"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "no\n image"}}}),
            "waiting",
            "ErrImageNeverPull: no image",
        ),
        (
            pod(container={"state": BACK_OFF, "lastState": {"terminated": ENDED}}),
            "crashed",
            "ended with status 1 at 2026-01-02T03:04:05Z: the actor failed",
        ),
        (
            pod(container={"state": {"terminated": WRONG}}),
            "crashed",
            "ended with status 78: its settings are wrong",
        ),
        (
            pod(container={"state": BACK_OFF, "lastState": {"terminated": KILLED}, "restartCount": 3}),
            "crashed",
            "ended with status 137: there was not enough memory",
        ),
        (pod(container={"state": {"running": {}}, "started": True}), "unhealthy", ""),
        (pod(container={"state": {"running": {}}, "started": False}), "starting", ""),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes."}]),
            "pending",
            "no node takes it: 0/1 nodes",
        ),
    ],
)
def test_a_pod_tells_how_it_is_and_why(found: dict[str, Any], health: str, why: str) -> None:
    read = pods.read_pod(found)
    assert read is not None
    assert read.instance() == InstanceStatus("web", "p", health, why, read.restarts)
    assert read.variables == {"A": "b", "C": ""}


def test_a_pod_that_ends_is_none_and_so_is_the_charts_own_test() -> None:
    assert pods.read_pod(pod(deletionTimestamp="2026")) is None
    other = pod()
    other["spec"]["containers"][0]["name"] = "test"
    assert pods.read_pod(other) is None


@pytest.mark.parametrize(
    ("container", "stuck"),
    [
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, True),
        ({"state": {"waiting": {"reason": "CreateContainerConfigError"}}}, True),
        ({"state": BACK_OFF, "lastState": {"terminated": ENDED}, "restartCount": 1}, False),
        ({"state": BACK_OFF, "lastState": {"terminated": ENDED}, "restartCount": 3}, True),
        ({"state": BACK_OFF, "lastState": {"terminated": WRONG}, "restartCount": 1}, True),
        ({"state": {"running": {}}, "restartCount": 3, "lastState": {"terminated": ENDED}}, True),
        ({"state": {"running": {}}, "restartCount": 1, "lastState": {"terminated": ENDED}}, False),
    ],
)
def test_a_pod_is_stuck_when_only_a_change_helps_it(container: dict[str, Any], stuck: bool) -> None:
    read = pods.read_pod(pod(container=container))
    assert read is not None
    assert read.stuck == stuck


def test_the_first_to_look_at_is_stuck_else_has_crashed_else_says_why() -> None:
    waits = Pod("a", "web", "starting")
    pending = replace(waits, name="b", why="no node takes it")
    crashed = replace(pending, name="c", crashed=True)
    stuck = replace(pending, name="d", stuck=True)
    assert pods.first_ill([Pod("p", "web", "healthy")]) is None
    assert pods.first_ill([waits, pending]) == pending
    assert pods.first_ill([waits, pending, crashed]) == crashed
    assert pods.first_ill([waits, pending, crashed, stuck]) == stuck


ROWS = [Revision(n, "t", state, "") for n, state in enumerate(("superseded", "failed", "deployed", "failed"), 1)]


def test_the_last_revision_that_ran_is_not_one_that_failed() -> None:
    assert helm.last_that_ran(ROWS) == ROWS[2]
    assert helm.last_that_ran(ROWS, before=3) == ROWS[0]
    assert helm.last_that_ran([]) is None


def test_a_revision_to_go_back_to_is_the_named_one_or_the_last_that_ran_before() -> None:
    assert helm.find_revision(ROWS, None) == ROWS[2]
    assert helm.find_revision(ROWS[:3], None) == ROWS[0]
    assert helm.find_revision(ROWS, 2) == ROWS[1]
    with pytest.raises(UsageError, match=r"There are: 1, 2, 3, 4\."):
        helm.find_revision(ROWS, 99)
    with pytest.raises(UsageError):
        helm.find_revision(ROWS[:1], None)
