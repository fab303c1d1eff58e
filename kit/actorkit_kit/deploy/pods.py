"""Why a release does not come up, as `kubectl` tells it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

#: Lines of a failed pod's log that are shown.
TAIL_LINES: Final = 10


def first_unready(release: str, namespace: str) -> str:
    """What the first pod that is not ready says; "" where there is no kubectl, or no such pod."""
    listed = _kubectl(
        "get", "pods", f"--selector=app.kubernetes.io/instance={release}", "--output=json", namespace=namespace
    )
    try:
        found = json.loads(listed).get("items", [])
    except ValueError:
        return ""
    # A pod that cannot start tells more than one that waits for it.
    for told in sorted(filter(None, map(read_pod, found)), key=lambda told: not told[1]):
        name, why = told
        said = "\n  ".join(_log(name, namespace).splitlines())
        return f'pod "{name}" {why or "is not ready"}.' + (f" Its last lines:\n  {said}" if said else "")
    return ""


def read_pod(pod: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name of a pod that is not ready, and why it cannot start, "" where it may still; None for one that is ready."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    if conditions.get("Ready", {}).get("status") == "True" or "deletionTimestamp" in pod["metadata"]:
        return None
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return name, f"waits: {waiting['reason']}: {' '.join(waiting.get('message', '').split())}".rstrip(": ")
        if container.get("restartCount", 0):
            return name, f"was started again {container['restartCount']} times"
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return name, f"has no node: {scheduled.get('message', '')}".rstrip(": .")
    return name, ""


def _log(pod: str, namespace: str) -> str:
    previous = _kubectl("logs", pod, f"--tail={TAIL_LINES}", "--previous", namespace=namespace)
    return (previous or _kubectl("logs", pod, f"--tail={TAIL_LINES}", namespace=namespace)).strip()


def _kubectl(*arguments: str, namespace: str) -> str:
    command = shutil.which("kubectl")
    if command is None:
        return ""
    where = ["--namespace", namespace] if namespace else []
    done = subprocess.run([command, *arguments, *where], text=True, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else ""
