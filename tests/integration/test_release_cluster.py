"""A release on a real cluster from day to day: its logs, and what is listed beside it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from actorkit_kit import python_process
from tests import needs
from tests.fleet import Process
from tests.integration.test_compose import docker, kit_with
from tests.kit.deploying import load_images
from tests.until import until

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(600)]

NAMESPACE: Final = "actorkit-release"
NAME: Final = "release-test"
CODE: Final = """\
from actorkit import Actor, Event


class Echo(Actor):
    def consume(self, event: Event) -> Event:
        return event
"""
TOPOLOGY: Final = """\
name: release-test
actors:
  source: {{uses: generator, params: {{interval_s: 0.1}}}}
  own: {own}
connections: [source -> own]
clear: true
"""
ECHO: Final = '{uses: "p.actors:Echo", build: ./code}'


@dataclass(frozen=True)
class Site:
    """The folder of a topology whose images the cluster has."""

    folder: Path
    load: tuple[str, ...]

    def kit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = kit_with()(*arguments)
        return done

    def write(self, own: str) -> None:
        """Write the topology, and bring its images to the cluster: each class of the author's has one of its own."""
        (self.folder / "topology.yaml").write_text(TOPOLOGY.format(own=own))
        load_images(self.folder, self.load)

    def deploy(self, *options: str, timeout_s: int = 90) -> subprocess.CompletedProcess[str]:
        where = ("--target", "helm", "-n", NAMESPACE, "--timeout", str(timeout_s))
        return self.kit("deploy", str(self.folder), *where, *options)


def kubectl(*arguments: str, **options: Any) -> str:
    command = [needs.tool("kubectl"), "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    load = needs.cluster()
    needs.engine()
    folder = tmp_path_factory.mktemp("release")
    (folder / "code" / "p").mkdir(parents=True)
    (folder / "code" / "p" / "actors.py").write_text(CODE)
    try:
        yield Site(folder, tuple(load))
    finally:
        subprocess.run([needs.tool("kubectl"), "delete", "namespace", NAMESPACE, "--timeout=180s"], check=False)
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{NAME}/*").split():
            docker("rmi", "--force", image)


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
