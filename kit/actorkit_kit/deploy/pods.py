"""Why a release does not come up, as `kubectl` tells it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line

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


def running_with(release: str, namespace: str, variable: str) -> str:
    """The name of the pod of a release that runs and whose container has a variable of the environment.

    Raises:
        KitError: there is none, or no cluster answers.
    """
    selector = f"--selector=app.kubernetes.io/instance={release}"
    done = subprocess.run(
        [_command(), "get", "pods", selector, "--output=json", *_where(namespace)],
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise KitError(f"the pods of {release} cannot be listed: {last_line(done.stderr)}")
    found = [pod for pod in json.loads(done.stdout)["items"] if _has_variable(pod, variable)]
    running = [pod for pod in found if pod.get("status", {}).get("phase") == "Running"]
    if not found:
        where = f' in the namespace "{namespace}"' if namespace else ""
        raise KitError(f'there is no dead-letter box of a release "{release}"{where}. See: helm list --all-namespaces')
    if not running:
        name, phase = found[0]["metadata"]["name"], found[0].get("status", {}).get("phase", "Unknown")
        raise KitError(f'the dead-letter box does not run: pod "{name}" is {phase}. See: kubectl describe pod {name}')
    return str(running[0]["metadata"]["name"])


def exec_command(pod: str, namespace: str) -> tuple[str, ...]:
    """What runs a command in a pod's actor, with this process's input.

    Raises:
        KitError: there is no kubectl.
    """
    return (_command(), "exec", "--stdin", pod, "--container=actor", *_where(namespace), "--")


def _has_variable(pod: Mapping[str, Any], variable: str) -> bool:
    containers = pod.get("spec", {}).get("containers", ())
    return any(one.get("name") == variable for container in containers for one in container.get("env", ()))


def _where(namespace: str) -> list[str]:
    return ["--namespace", namespace] if namespace else []


def _command() -> str:
    found = shutil.which("kubectl")
    if found is None:
        raise KitError('there is no "kubectl" command. Install it, then try again.')
    return found


def _log(pod: str, namespace: str) -> str:
    previous = _kubectl("logs", pod, f"--tail={TAIL_LINES}", "--previous", namespace=namespace)
    return (previous or _kubectl("logs", pod, f"--tail={TAIL_LINES}", namespace=namespace)).strip()


def _kubectl(*arguments: str, namespace: str) -> str:
    command = shutil.which("kubectl")
    if command is None:
        return ""
    done = subprocess.run([command, *arguments, *_where(namespace)], text=True, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else ""
