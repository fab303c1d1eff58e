"""Bringing the helm target up on a Kubernetes cluster."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import folder, helm


def chart_folder(plan: Plan) -> Path:
    """Where the chart of a deployment is kept: beside the topology."""
    return plan.base / ".kit" / f"{plan.topology}-helm"


def install(plan: Plan, namespace: str, timeout_s: float, keep: bool) -> str:
    """Render the chart, install or upgrade the release, wait until every pod is ready; helm's notes.

    The cluster's nodes must have the images: push them, or load them.

    Raises:
        KitError: there is no helm, or the release did not come up.
    """
    helm_command = shutil.which("helm")
    if helm_command is None:
        raise KitError('there is no "helm" command. Install Helm 3 or 4.')
    where = chart_folder(plan)
    folder.write(helm.render(plan), where, helm.PRIVATE)
    command = [helm_command, "upgrade", "--install", plan.topology, str(where), "--wait", f"--timeout={timeout_s:g}s"]
    command += ["--namespace", namespace, "--create-namespace"] if namespace else []
    command += _flags(helm_command, keep)
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode:
        raise KitError(f"helm upgrade --install {plan.topology} failed: {last_line(done.stderr)}")
    return done.stdout.strip()


def _flags(helm_command: str, keep: bool) -> list[str]:
    """What undoes a failed release; and, for Helm 4, what takes back a number of replicas that kubectl has set."""
    version = subprocess.run([helm_command, "version", "--short"], text=True, capture_output=True, check=False).stdout
    if version.startswith("v3"):
        return [] if keep else ["--atomic"]
    return ["--force-conflicts", *([] if keep else ["--rollback-on-failure"])]
