"""The helm target on a Kubernetes cluster: installed, upgraded, taken back. Its history is helm's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from actorkit_kit.deploy import pods
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.kit_folder import place_in
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import folder, helm

#: What helm calls a revision that runs, or ran.
_RAN: Final = ("deployed", "superseded")


def chart_folder(plan: Plan) -> Path:
    """Where the chart of a deployment is kept: beside the topology."""
    return place_in(plan.base, f"{plan.topology}-helm")


def install(plan: Plan, namespace: str, timeout_s: float, keep: bool, ephemeral: bool = False) -> str:
    """Render the chart, install or upgrade the release, wait until every pod is ready; helm's notes. `ephemeral`: what
    actors keep ends with their pods.

    A release that does not come up is taken back to the revision that ran, or uninstalled where none did. The cluster's
    nodes must have the images: push them, or load them.

    Raises:
        KitError: there is no helm, or the release did not come up; the message says which pod, why, and what runs now.
    """
    where = chart_folder(plan)
    folder.write(helm.render(plan), where, helm.PRIVATE)
    ran = last_that_ran(history(plan.topology, namespace, missing_ok=True))
    arguments = ["upgrade", "--install", plan.topology, str(where), "--wait", f"--timeout={timeout_s:g}s"]
    arguments += ["--set=storage.ephemeral=true"] if ephemeral else []
    done = _helm(*arguments, *(["--create-namespace"] if namespace else []), *_conflicts(), namespace=namespace)
    if done.returncode == 0:
        return done.stdout.strip()
    why = f"helm upgrade --install {plan.topology} failed: {last_line(done.stderr)}{_reason(plan.topology, namespace)}"
    if keep:
        raise KitError(why)
    if ran is None:
        _helm("uninstall", plan.topology, "--wait", namespace=namespace)
        raise KitError(f"{why}\nThe release was uninstalled again; --keep leaves it for a look.")
    try:
        outcome = roll_back(plan.topology, ran, namespace, timeout_s)
    except KitError as exc:
        raise KitError(f"{why}\nRevision {ran}, which ran before, could not be put back: {exc}") from exc
    raise KitError(f"{why}\n{outcome}")


def history(release: str, namespace: str, *, missing_ok: bool = False) -> list[tuple[str, str, str, str]]:
    """Number, time, state and description of each revision, the last one last; empty for none where that may be.

    Raises:
        KitError: there is no such release, or no cluster answers.
    """
    done = _helm("history", release, "--output=json", namespace=namespace)
    if done.returncode:
        if missing_ok and "not found" in done.stderr:
            return []
        raise KitError(f"helm history {release} failed: {last_line(done.stderr)}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [(str(row["revision"]), row["updated"], row["status"], row["description"]) for row in found]


def last_that_ran(rows: list[tuple[str, str, str, str]], before: int | None = None) -> int | None:
    """The last revision that came up, or the last of those before another one."""
    numbers = [int(number) for number, _time, state, _description in rows if state in _RAN]
    return max((number for number in numbers if before is None or number < before), default=None)


def roll_back(release: str, number: int | None, namespace: str, timeout_s: float) -> str:
    """Go back to a revision, the last that ran before the present one without a number, and wait until every pod is
    ready; a sentence that says so.

    Raises:
        UsageError: there is no such revision.
        KitError: it did not come up; the message says which pod, and why.
    """
    rows = history(release, namespace)
    if number is None:
        number = last_that_ran(rows, before=int(rows[-1][0]))
    if number is None or str(number) not in [row[0] for row in rows]:
        raise UsageError(f"there is no such revision to go back to. There are: {', '.join(row[0] for row in rows)}.")
    arguments = ["rollback", release, str(number), "--wait", f"--timeout={timeout_s:g}s"]
    done = _helm(*arguments, *_conflicts(), namespace=namespace)
    if done.returncode:
        raise KitError(
            f"helm rollback {release} {number} failed: {last_line(done.stderr)}{_reason(release, namespace)}"
        )
    return f"Revision {number} of {release} was put back, and is healthy."


def release_of(reference: str) -> str:
    """The name of a release, which must be given.

    Raises:
        UsageError: it is not.
    """
    if not reference:
        raise UsageError("name the release: kit history orders --target helm, kit rollback --target helm -d orders")
    return reference


def _reason(release: str, namespace: str) -> str:
    said = pods.first_unready(release, namespace)
    return f"\n{said}" if said else ""


def _helm(*arguments: str, namespace: str) -> subprocess.CompletedProcess[str]:
    where = ["--namespace", namespace] if namespace else []
    return subprocess.run([_command(), *arguments, *where], text=True, capture_output=True, check=False)


def _command() -> str:
    found = shutil.which("helm")
    if found is None:
        raise KitError('there is no "helm" command. Install Helm 3 or 4.')
    return found


def _conflicts() -> list[str]:
    """For Helm 4, what takes back a number of replicas that kubectl has set."""
    version = subprocess.run([_command(), "version", "--short"], text=True, capture_output=True, check=False).stdout
    return [] if version.startswith("v3") else ["--force-conflicts"]
