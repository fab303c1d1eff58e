"""A release on a real cluster from day to day: why it does not come up, its storage and its autoscaler, and its end."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from actorkit_kit import python_process
from tests import needs
from tests.fleet import Process
from tests.integration.test_compose import docker, kit_with
from tests.until import until

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(600)]

NAMESPACE: Final = "actorkit-release"
NAME: Final = "release-test"
CODE: Final = """\
import time

import gevent

from actorkit import Actor, Event


class Echo(Actor):
    def consume(self, event: Event) -> Event:
        return event


class Busy(Actor):
    def consume(self, event: Event) -> Event:
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        return event


class Failing(Actor):
    def consume(self, event: Event) -> Event:
        raise ValueError("it is broken")


class NeverReady(Actor):
    def setup(self) -> None:
        gevent.sleep(3600)

    def consume(self, event: Event) -> Event:
        return event
"""
#: Whatever is tried runs from one image of the author's code.
TOPOLOGY: Final = """\
name: release-test
actors:
  source: {{uses: generator, params: {{interval_s: 0.1}}}}
  own: {own}
connections: [source -> own]
clear: true
"""
ECHO: Final = '{uses: "p.actors:Echo", build: ./code}'
#: A storage class by which nobody makes volumes, and a volume of that class.
CLASS: Final = "actorkit-by-hand"
STORAGE_CLASS: Final = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": CLASS},
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "Immediate",
}


@dataclass(frozen=True)
class Site:
    """The folder of a topology whose images the cluster has."""

    folder: Path

    def kit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = kit_with()(*arguments)
        return done

    def write(self, own: str) -> None:
        (self.folder / "topology.yaml").write_text(TOPOLOGY.format(own=own))

    def deploy(self, *options: str, timeout_s: int = 90) -> subprocess.CompletedProcess[str]:
        where = ("--target", "helm", "-n", NAMESPACE, "--timeout", str(timeout_s))
        return self.kit("deploy", str(self.folder), *where, *options)


def kubectl(*arguments: str, **options: Any) -> str:
    command = [needs.tool("kubectl"), "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


def apply(*objects: dict[str, Any]) -> None:
    kubectl("apply", "--filename", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    load = needs.cluster()
    needs.engine()
    folder = tmp_path_factory.mktemp("release")
    (folder / "code" / "p").mkdir(parents=True)
    (folder / "code" / "p" / "actors.py").write_text(CODE)
    found = Site(folder)
    found.write(ECHO)
    built = found.kit("build", str(folder), "-o", "json")
    assert built.returncode == 0, built.stderr
    for row in json.loads(built.stdout):
        subprocess.run([*load, row["image"]], capture_output=True, check=True)
    try:
        yield found
    finally:
        subprocess.run([needs.tool("kubectl"), "delete", "namespace", NAMESPACE, "--timeout=180s"], check=False)
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{NAME}/*").split():
            docker("rmi", "--force", image)


@contextmanager
def storage_class() -> Iterator[None]:
    """The cluster knows a storage class meanwhile, so that claims are made."""
    subprocess.run([needs.tool("kubectl"), "create", "namespace", NAMESPACE], capture_output=True, check=False)
    apply(STORAGE_CLASS)
    try:
        yield
    finally:
        kubectl("delete", "storageclass", CLASS)


def test_a_pod_that_no_node_takes_is_told_and_nothing_is_left(site: Site) -> None:
    site.write('{uses: "p.actors:Echo", build: ./code, resources: {cpus: 5000}}')
    done = site.deploy(timeout_s=15)
    assert done.returncode == 1
    assert f'"own" (pod {NAME}-own-' in done.stderr
    assert "no node takes it: 0/1 nodes are available: 1 Insufficient cpu" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("The release was uninstalled again; --keep leaves it for a look.")
    assert kubectl("get", "pods", "--output", "name") == ""


def test_a_claim_without_a_volume_is_told_with_its_class(site: Site) -> None:
    site.write(ECHO)
    with storage_class():
        done = site.deploy(timeout_s=15)
    assert done.returncode == 1
    assert f'"dead-letters" (pod {NAME}-dead-letters-0): its claim "' in done.stderr
    assert "is pending" in done.stderr
    kubectl("delete", "persistentvolumeclaims", "--all")


def test_an_actor_that_is_never_ready_is_told_as_its_probe_sees_it(site: Site) -> None:
    site.write('{uses: "p.actors:NeverReady", build: ./code}')
    done = site.deploy(timeout_s=20)
    assert done.returncode == 1
    assert f'"own" (pod {NAME}-own-' in done.stderr or f'"source" (pod {NAME}-source-' in done.stderr
    assert "it is not ready" in done.stderr or "probe" in done.stderr


def test_what_is_kept_is_there_when_its_pod_was_replaced(site: Site, tmp_path: Path) -> None:
    """A volume of the node's own; the release is installed as helm does it, with the class in its values."""
    site.write('{uses: "p.actors:Failing", build: ./code}')
    folder = tempfile.mkdtemp(prefix="actorkit-volume-")
    Path(folder).chmod(0o777)
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "actorkit-by-hand"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": CLASS,
            "hostPath": {"path": folder},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
    with storage_class():
        apply(volume)
        try:
            assert site.kit("render", "helm", str(site.folder), "-o", str(tmp_path / "chart")).returncode == 0
            chosen = ("--set", f"storage.className={CLASS}", "--wait", "--timeout", "90s")
            helm(needs.tool("helm"), "install", NAME, str(tmp_path / "chart"), *chosen)
            until(lambda: letters(site) > 0, "there are dead letters", 60, 1)
            kubectl("scale", "deployment", f"{NAME}-source", "--replicas=0")
            kept = settled(site)
            kubectl("delete", "pod", f"{NAME}-dead-letters-0")
            kubectl("wait", "--for=condition=Ready", f"pod/{NAME}-dead-letters-0", "--timeout=90s")
            assert letters(site) == kept
            down = site.kit("down", NAME, "-n", NAMESPACE, "--volumes")
            assert down.returncode == 0, down.stderr
            assert kubectl("get", "pods,persistentvolumeclaims", "--output", "name") == ""
        finally:
            kubectl("delete", "persistentvolume", "actorkit-by-hand", "--ignore-not-found", "--timeout=60s")


def settled(site: Site) -> int:
    """How many letters there are when no more come."""
    seen = [-1]

    def is_settled() -> bool:
        seen.append(letters(site))
        return seen[-1] == seen[-2]

    until(is_settled, "no more letters come", 60, 1)
    return seen[-1]


def helm(*command: str) -> None:
    done = subprocess.run([*command, "--namespace", NAMESPACE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def letters(site: Site) -> int:
    done = site.kit("dlq", "list", "-d", NAME, "-n", NAMESPACE, "-o", "json", "--limit", "1000")
    return len(done.stdout.splitlines()) if done.returncode == 0 else 0


def test_a_release_of_helm_3_is_upgraded_by_helm_4_and_ends_with_it(site: Site, tmp_path: Path) -> None:
    site.write(ECHO)
    chart = str(tmp_path / "chart")
    assert site.kit("render", "helm", str(site.folder), "-o", chart).returncode == 0
    options = ("--set", "storage.ephemeral=true", "--wait", "--timeout", "90s")
    helm(needs.tool("helm3"), "install", NAME, chart, *options, "--create-namespace")
    # As somebody scales who has no kit.
    kubectl("scale", "deployment", f"{NAME}-own", "--replicas=2")
    site.write('{uses: "p.actors:Echo", build: ./code, replicas: 3}')
    done = site.deploy()
    assert done.returncode == 0, done.stderr
    assert kubectl("get", "deployment", f"{NAME}-own", "--output", "jsonpath={.status.readyReplicas}") == "3"
    shown = site.kit("status", "-o", "json", "--context", context(), "-n", NAMESPACE)
    assert shown.returncode == 0, shown.stdout
    assert json.loads(shown.stdout)["deployment"] == NAME
    back = site.kit("rollback", "-d", NAME, "-n", NAMESPACE)
    assert back.returncode == 0, back.stderr
    down = site.kit("down", NAME, "-n", NAMESPACE)
    assert down.returncode == 0, down.stderr
    assert kubectl("get", "pods", "--output", "name") == ""


def context() -> str:
    return kubectl("config", "current-context")


def test_logs_follow_a_release_and_its_pods_that_come_later_and_status_lists_it_beside_compose(site: Site) -> None:
    site.write(ECHO)
    assert site.deploy().returncode == 0
    command = [*python_process.command("actorkit_kit"), "logs", "own", "-f", "-d", NAME, "-n", NAMESPACE, "-o", "text"]
    try:
        with Process({**os.environ, "NO_COLOR": "1"}, site.folder / "log", command=command) as follower:
            kubectl("rollout", "restart", f"deployment/{NAME}-own")
            kubectl("rollout", "status", f"deployment/{NAME}-own", "--timeout=90s")
            pod = kubectl("get", "pods", "--selector=app.kubernetes.io/component=own", "--output", "name").split()[-1]
            until(lambda: pod.rpartition("/")[2] in follower.said(), "the new pod's lines come", 60, 0.5)
        other = site.folder / "beside"
        other.mkdir()
        (other / "topology.yaml").write_text(TOPOLOGY.replace(NAME, "release-beside").format(own="{uses: stdout}"))
        assert site.kit("deploy", str(other), "--no-prometheus").returncode == 0
        try:
            listed = kit_with(KUBECONFIG=str(here(site.folder)))("status").stdout
            assert f"{NAME} (the namespace" in listed
            assert "release-beside (Docker):" in listed
        finally:
            site.kit("down", "release-beside", "--volumes")
    finally:
        assert site.kit("down", NAME, "-n", NAMESPACE).returncode == 0


def here(folder: Path) -> Path:
    """A file with the way to the cluster, whose namespace is that of these tests."""
    file = folder / "kubeconfig"
    file.write_text(kubectl("config", "view", "--raw", "--minify", "--flatten"))
    kubectl("--kubeconfig", str(file), "config", "set-context", "--current", f"--namespace={NAMESPACE}")
    return file


def test_an_autoscaler_by_load_adds_pods_and_helm_leaves_their_number_to_it(site: Site) -> None:
    site.write('{uses: "p.actors:Busy", build: ./code, resources: {cpus: 0.5}, scale: {min: 1, max: 2, cpu: 20}}')
    assert site.deploy().returncode == 0

    def wanted() -> int:
        path = "jsonpath={.spec.replicas}"
        return int(kubectl("get", "deployment", f"{NAME}-own", "--output", path))

    try:
        until(lambda: wanted() == 2, "the autoscaler adds a pod", 180, 1)
        assert site.deploy().returncode == 0
        assert wanted() == 2
        refused = site.kit("scale", "own=1", "-d", NAME, "-n", NAMESPACE)
        assert refused.returncode == 2
        assert "as many pods as the autoscaler" in refused.stderr
    finally:
        assert site.kit("down", NAME, "-n", NAMESPACE).returncode == 0
