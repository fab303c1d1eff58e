"""Whether a cluster has storage for what actors keep. One without any would leave their pods pending for ever."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

from actorkit_kit.plan.model import Plan


def ends_with_its_pod(plan: Plan, namespace: str) -> bool:
    """Whether what the actors of a release keep has to end with their pods: the cluster has no storage class and no
    volume. A release that is there stays as it is, as a StatefulSet's claims cannot be changed. False where nobody
    keeps anything, and where the cluster does not say."""
    keepers = {unit.name for unit in plan.units if unit.keeps}
    if not keepers:
        return False
    label = f"--selector=app.kubernetes.io/instance={plan.topology}"
    for there in _items("statefulsets", label, *(["--namespace", namespace] if namespace else [])) or ():
        if there["metadata"].get("labels", {}).get("app.kubernetes.io/component") in keepers:
            return not there["spec"].get("volumeClaimTemplates")
    return _items("storageclasses") == [] and _items("persistentvolumes") == []


def _items(*what: str) -> list[dict[str, Any]] | None:
    """Objects of the cluster; None where they cannot be had."""
    command = shutil.which("kubectl")
    if command is None:
        return None
    done = subprocess.run([command, "get", *what, "--output=json"], text=True, capture_output=True, check=False)
    found: list[dict[str, Any]] | None = json.loads(done.stdout)["items"] if done.returncode == 0 else None
    return found
