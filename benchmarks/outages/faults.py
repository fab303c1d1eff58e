"""What is done to a release: each fault by its name, and how long it lasts."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.outages.release import NAME, PATIENCE_S, Release

#: Seconds between two pods that are deleted.
EVERY_S: Final = 3.0


@dataclass(frozen=True)
class Cluster:
    """What is disturbed, for how long, and by which dice; `kubelet` is the file with its process's number."""

    release: Release
    seconds: float
    dice: random.Random
    kubelet: Path | None = None


def restart_everything(cluster: Cluster) -> None:
    """Have every Deployment and StatefulSet make its pods anew."""
    kubectl = cluster.release.kubectl
    owners = kubectl("get", "deployments,statefulsets", "--output", "name").split()
    kubectl("rollout", "restart", *owners)
    for owner in owners:
        kubectl("rollout", "status", owner, f"--timeout={PATIENCE_S}s")


def delete_pods(cluster: Cluster) -> None:
    """Delete a pod by force, again and again."""
    end = time.monotonic() + cluster.seconds
    while time.monotonic() < end:
        pod = cluster.dice.choice(cluster.release.pods())
        cluster.release.kubectl("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")
        time.sleep(EVERY_S)


def delete_brokers(cluster: Cluster) -> None:
    """Delete one broker, and the other one when the first is back."""
    for number in range(2):
        cluster.release.kubectl("delete", "pod", f"{NAME}-broker-{number}", "--grace-period=0", "--force")
        cluster.release.wait()


def scale(cluster: Cluster) -> None:
    """Scale an actor up, down, and back."""
    for replicas in (6, 1, 3):
        cluster.release.scale("execute", replicas)


def upgrade(cluster: Cluster) -> None:
    """Deploy another version."""
    folder = cluster.release.folder
    for path, end in ((folder / "ack.xsl", "<!-- changed -->\n"), (folder / "shop/shop/actors.py", "# changed\n")):
        path.write_text(path.read_text() + end)
    cluster.release.deploy()


def roll_back(cluster: Cluster) -> None:
    """Go back to the revision before."""
    cluster.release.kit("rollback", "-d", NAME, "--target", "helm", "--namespace", cluster.release.namespace)


def name_server(cluster: Cluster) -> None:
    """Leave the cluster without its name server for a while."""
    dns = ("--namespace", "kube-system", "deployment/coredns")
    cluster.release.kubectl("scale", *dns, "--replicas=0")
    try:
        time.sleep(cluster.seconds)
    finally:
        cluster.release.kubectl("scale", *dns, "--replicas=1")
        cluster.release.kubectl("rollout", "status", *dns, f"--timeout={PATIENCE_S}s")


def kubelet(cluster: Cluster) -> None:
    """Kill the kubelet of this machine, and start it again."""
    if cluster.kubelet is None:
        raise SystemExit("outages: --kubelet FILE says where the number of the kubelet's process stands.")
    process = Path("/proc", cluster.kubelet.read_text().strip())
    command = process.joinpath("cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    log = process.joinpath("fd/1").readlink()
    subprocess.run(["kill", "-KILL", process.name], check=True)
    time.sleep(EVERY_S)
    with log.open("ab") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    cluster.kubelet.write_text(f"{started.pid}\n")
    time.sleep(cluster.seconds)


#: Every fault in the order in which they come, and what the table calls it.
FAULTS: Final[dict[Callable[[Cluster], None], str]] = {
    restart_everything: "all restarted at once",
    delete_pods: "a random pod deleted by force every 3 s",
    delete_brokers: "each broker in turn deleted by force",
    scale: "executors scaled 3 → 6 → 1 → 3",
    upgrade: "a changed stylesheet and a changed class deployed",
    roll_back: "that taken back",
    name_server: "no CoreDNS",
    kubelet: "the node's kubelet killed and started again",
}
