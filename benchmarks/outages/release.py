"""The release that is disturbed: the orders example, two fronts before it, and a stream of numbers beside it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from tests import needs
from tests.integration import shop
from tests.until import until

from actorkit_kit import python_process

NAME: Final = "outages"
#: How long a fault may take to be over, in seconds.
PATIENCE_S: Final = 300
_SELECTOR: Final = f"app.kubernetes.io/instance={NAME}"


@dataclass(frozen=True)
class Release:
    """A release in a namespace of its own, and the folder that it is made from."""

    folder: Path
    namespace: str
    load: tuple[str, ...]

    @property
    def topology(self) -> Path:
        return self.folder / "topology.yaml"

    def kubectl(self, *arguments: str) -> str:
        """What kubectl writes.

        Raises:
            CalledProcessError: it fails.
        """
        return _run(needs.tool("kubectl"), "--namespace", self.namespace, *arguments)

    def kit(self, *arguments: str) -> str:
        """What kit writes to stdout."""
        return _run(*python_process.command("actorkit_kit"), *arguments, env=python_process.environ())

    def deploy(self) -> None:
        """Build what is missing, bring it to the nodes, and have it run."""
        for row in json.loads(self.kit("build", str(self.topology), "--output", "json")):
            _run(*self.load, row["image"])
        where = ("--target", "helm", "--namespace", self.namespace)
        self.kit("deploy", str(self.topology), *where, "--timeout", str(PATIENCE_S))

    def scale(self, actor: str, replicas: int) -> None:
        """Have so many replicas of an actor, and wait for them."""
        self.kubectl("scale", "deployment", f"{NAME}-{actor}", f"--replicas={replicas}")
        self.kubectl("rollout", "status", "deployment", f"{NAME}-{actor}", f"--timeout={PATIENCE_S}s")

    def pods(self) -> list[str]:
        """Names of the pods that are not about to end."""
        found = json.loads(self.kubectl("get", "pods", "--selector", _SELECTOR, "--output", "json"))["items"]
        return sorted(pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"])

    def wait(self) -> None:
        """Wait until every pod that should be there is ready."""
        until(self._is_whole, "every pod is ready", timeout_s=PATIENCE_S)

    def _is_whole(self) -> bool:
        found = json.loads(self.kubectl("get", "deployments,statefulsets", "--selector", _SELECTOR, "--output", "json"))
        return all(_is_ready(owner) for owner in found["items"])

    def address(self) -> str:
        """Where the front's Service is reached from a node."""
        return self.kubectl("get", "service", f"{NAME}-web-http", "--output", "jsonpath={.spec.clusterIP}")


def _is_ready(owner: dict[str, Any]) -> bool:
    wanted, status = owner["spec"]["replicas"], owner["status"]
    told = status.get("readyReplicas", 0), status.get("updatedReplicas", wanted), status.get("observedGeneration")
    return told == (wanted, wanted, owner["metadata"]["generation"])


def make(folder: Path, namespace: str, database: str) -> Release:
    """A release that is not deployed yet; `database` is where the stream's tables are: host:port."""
    load = shlex.split(os.environ.get(needs.CLUSTER_LOAD, ""))
    if not load:
        raise SystemExit(f"outages: set {needs.CLUSTER_LOAD} to the command that loads an image into the cluster.")
    topology = shop.copy(folder / NAME, NAME)
    (topology.parent / "secrets" / "database").write_text(f"postgresql://postgres:secret-word@{database}/postgres")
    yaml = YAML()
    document = yaml.load(topology)
    actors = document["actors"]
    actors["web"]["replicas"] = 2
    params: dict[str, Any] = {"url": {"secret": "database"}}
    rows = {"table": "numbers", "channel": "numbers", "transactions": 2}
    actors["numbers"] = {"uses": "postgres-outbox", "params": params | rows, "egress": [database]}
    actors["passing"] = {"uses": "pass-through", "replicas": 2}
    kept = {"table": "kept", "columns": {"number": "data/number"}}
    actors["kept"] = {"uses": "sql-out", "params": params | kept, "egress": [database], "replicas": 2}
    document["connections"].append("numbers -> passing -> kept")
    yaml.dump(document, topology)
    return Release(topology.parent, namespace, tuple(load))


def _run(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise SystemExit(f"outages: {shlex.join(command)}: {done.stderr or done.stdout}")
    return done.stdout
