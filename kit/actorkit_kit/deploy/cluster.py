"""A namespace of a Kubernetes cluster, by the commands `kubectl` and `helm`.

They are the user's own, so contexts, plugins for credentials, proxies and versions are those that work at the shell; a
client library would bring a second reading of all of these, and Helm is needed as a command anyway.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line

#: Longest wait for an answer of the cluster to one question, in seconds.
PATIENCE_S: Final = 10


@dataclass(frozen=True)
class Cluster:
    """Where releases are: "" stands for the current context, and for its namespace."""

    context: str = ""
    namespace: str = ""

    @cached_property
    def names(self) -> tuple[str, str]:
        """The names of the context and the namespace that are meant, as kubectl knows them; "" for no context."""
        named = "--output=jsonpath={.contexts[0].name} {.contexts[0].context.namespace}"
        done = run([*self._kubectl(), "config", "view", "--minify", named])
        context, _, namespace = (done.stdout if not done.returncode else "").partition(" ")
        return context, self.namespace or namespace.strip() or "default"

    @property
    def where(self) -> str:
        """The same for people."""
        context, namespace = self.names
        return f'the namespace "{namespace}"' + (f' of the context "{context}"' if context else "")

    @cached_property
    def is_configured(self) -> bool:
        """Whether this user has kubectl, and a cluster to ask; that it answers is not known yet."""
        if shutil.which("kubectl") is None:
            return False
        return bool(self.context) or not run([*self._kubectl(), "config", "current-context"]).returncode

    def get(self, kinds: str, *more: str) -> list[dict[str, Any]]:
        """The objects of some kinds ("pods,services"), as kubectl gives them.

        Raises:
            KitError: there is no kubectl, or the cluster does not answer, or refuses.
        """
        done = self.ask("get", kinds, "--output=json", f"--request-timeout={PATIENCE_S}s", *more)
        if done.returncode:
            raise KitError(f"the cluster does not tell its {kinds.replace(',', ', ')}: {_complaint(done)}")
        found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        return found

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run kubectl to its end.

        Raises:
            KitError: there is no kubectl.
        """
        return run(self.kubectl(*arguments))

    def change(self, what: str, *arguments: str) -> str:
        """Run kubectl, which must succeed; what it wrote.

        Raises:
            KitError: there is no kubectl, or it failed; `what` says at what.
        """
        done = self.ask(*arguments)
        if done.returncode:
            raise KitError(f"{what}: {_complaint(done)}")
        return done.stdout

    def kubectl(self, *arguments: str) -> list[str]:
        """The command of kubectl on this namespace.

        Raises:
            KitError: there is none.
        """
        return [*self._kubectl(), *([f"--namespace={self.namespace}"] if self.namespace else []), *arguments]

    def _kubectl(self) -> list[str]:
        return [command("kubectl"), *([f"--context={self.context}"] if self.context else [])]

    def helm(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run helm on this namespace to its end.

        Raises:
            KitError: there is no helm.
        """
        return run(self.helm_command(*arguments))

    def helm_command(self, *arguments: str) -> list[str]:
        """The command of helm on this namespace.

        Raises:
            KitError: there is none.
        """
        where = [f"--kube-context={self.context}"] if self.context else []
        where += [f"--namespace={self.namespace}"] if self.namespace else []
        return [command("helm"), *arguments, *where]


def run(whole: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without this process's input."""
    return subprocess.run(whole, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def command(name: str) -> str:
    """The path of a command.

    Raises:
        KitError: there is none.
    """
    found = shutil.which(name)
    if found is None:
        version = "Helm 3 or 4" if name == "helm" else "it"
        raise KitError(f'there is no "{name}" command. Install {version}, then try again.')
    return found


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """What kubectl said last, and what to do where that is about the way to the cluster."""
    said = last_line(done.stderr).removeprefix("error: ").removeprefix("Error from server ")
    away = ("refused", "timeout", "timed out", "no such host", "deadline", "certificate", "EOF", "Unauthorized")
    # That something has not happened in time is no matter of the way.
    lost = any(word in said for word in away) and "waiting for the condition" not in said
    todo = " Look at kubectl config get-contexts; --context names another one." if lost else ""
    return f"{said.rstrip('.')}.{todo}"
