"""New versions of a release on a Kubernetes cluster, by `kit deploy --target helm`, and the way back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests import needs
from tests.integration.test_compose import docker, kit_with
from tests.kit.deploying import load_images
from tests.kit.registry import running_registry, status

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(600)]

NAMESPACE: Final = "actorkit-redeploy"
NAME: Final = "redeploy-cluster"
CODE: Final = """\
from actorkit import Actor, Event


class Echo(Actor):
    def consume(self, event: Event) -> Event:
        return event
"""
TOPOLOGY: Final = """\
name: {name}
actors:
  source: {{uses: generator, params: {{interval_s: 1}}}}
  echo: {{uses: "p.actors:Echo", build: ./code}}
connections: [source -> echo]
clear: true
"""
#: Status of `kit plan` where something would change.
CHANGES: Final = 4
BROKEN_SETUP: Final = """
    def setup(self) -> None:
        raise RuntimeError("no license")
"""


@dataclass(frozen=True)
class Release:
    """A release under test, and the folder that it is made from."""

    folder: Path
    load: tuple[str, ...]

    def kit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = kit_with()(*arguments)
        return done

    def change(self, text: str) -> None:
        (self.folder / "code" / "p" / "actors.py").write_text(text)

    def load_images(self) -> None:
        load_images(self.folder, self.load)

    def deploy(self, *options: str, timeout_s: int = 120) -> subprocess.CompletedProcess[str]:
        target = ("--target", "helm", "-n", NAMESPACE, "--timeout", str(timeout_s))
        return self.kit("deploy", str(self.folder), *target, *options)

    def image(self) -> str:
        """The image that the deployment of the actor names."""
        path = "{.spec.template.spec.containers[0].image}"
        return kubectl("get", "deployment", f"{NAME}-echo", "--output", f"jsonpath={path}")


def kubectl(*arguments: str) -> str:
    command = [needs.tool("kubectl"), "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    load = needs.cluster()
    needs.engine()
    folder = tmp_path_factory.mktemp("release")
    (folder / "code" / "p").mkdir(parents=True)
    (folder / "topology.yaml").write_text(TOPOLOGY.format(name=NAME))
    release = Release(folder, tuple(load))
    release.change(CODE)
    release.load_images()
    try:
        done = release.deploy()
        assert done.returncode == 0, done.stderr
        yield release
    finally:
        subprocess.run([needs.tool("kubectl"), "delete", "namespace", NAMESPACE, "--timeout=120s"], check=False)
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", NAME + "/*").split():
            docker("rmi", "--force", image)


def states(release: Release) -> list[tuple[int, str]]:
    done = release.kit("history", NAME, "--target", "helm", "-n", NAMESPACE, "-o", "json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return [(row["revision"], row["state"]) for row in rows]


def test_a_changed_class_is_rolled_out_and_a_rollback_brings_the_old_one_back(release: Release) -> None:
    first = release.image()
    release.change(CODE + "\n\nVERSION = 2\n")
    release.load_images()
    done = release.deploy()
    assert done.returncode == 0, done.stderr
    second = release.image()
    assert second != first
    assert states(release) == [(1, "superseded"), (2, "deployed")]
    back = release.kit("rollback", "-d", NAME, "--target", "helm", "-n", NAMESPACE)
    assert back.returncode == 0, back.stderr
    assert f"Revision 1 of {NAME} was put back, and is healthy." in back.stderr
    assert release.image() == first
    assert states(release)[-1] == (3, "deployed")


def test_what_a_deployment_would_change_is_told_and_nothing_is_changed(release: Release) -> None:
    ran, topology = release.image(), release.folder / "topology.yaml"
    before = topology.read_text()
    release.change(CODE)
    assert planned(release) == {}
    kubectl("scale", "deployment", f"{NAME}-echo", "--replicas=2")
    try:
        topology.write_text(before.replace("interval_s: 1", "interval_s: 2"))
        release.change(CODE + "\n\nVERSION = 5\n")
        found = planned(release)
    finally:
        topology.write_text(before)
        release.change(CODE)
        kubectl("scale", "deployment", f"{NAME}-echo", "--replicas=1")
    assert sorted(found) == [("echo", "replaced"), ("echo", "scaled"), ("source", "replaced")]
    (image,) = found["echo", "replaced"]
    assert image.startswith(f"image {ran} → {NAME}/echo:")
    assert found["echo", "scaled"] == ["2 → 1 instance"]
    assert found["source", "replaced"] == ['env.ACTORKIT_PARAMS.value: {"interval_s":1} → {"interval_s":2}']
    assert release.image() == ran
    assert planned(release) == {}


def planned(release: Release) -> dict[tuple[str, str], list[str]]:
    """What `kit plan` tells: who, and what becomes of it → why."""
    done = release.kit("plan", str(release.folder), "--target", "helm", "-n", NAMESPACE, "-o", "json")
    found: list[dict[str, Any]] = json.loads(done.stdout)["changes"]
    assert done.returncode == (CHANGES if found else 0), done.stderr
    return {(change["subject"], change["action"]): change["what"] for change in found}


def test_a_class_that_does_not_start_is_told_and_what_ran_is_put_back(release: Release) -> None:
    ran = release.image()
    release.change(CODE + BROKEN_SETUP)
    release.load_images()
    done = release.deploy(timeout_s=20)
    assert done.returncode == 1
    assert f'"echo" (pod {NAME}-echo-' in done.stderr
    assert "no license" in done.stderr
    assert "was put back, and is healthy." in done.stderr.splitlines()[-1]
    assert release.image() == ran


def test_an_image_that_no_node_has_is_told_and_what_ran_is_put_back(release: Release) -> None:
    ran = release.image()
    release.change(CODE + "\n\nVERSION = 3\n")
    done = release.deploy(timeout_s=15)
    assert done.returncode == 1
    assert "ImagePull" in done.stderr or "ErrImage" in done.stderr
    assert "was put back, and is healthy." in done.stderr.splitlines()[-1]
    assert release.image() == ran


def test_a_revision_that_there_never_was_is_told(release: Release) -> None:
    done = release.kit("rollback", "99", "-d", NAME, "--target", "helm", "-n", NAMESPACE)
    assert done.returncode == 2
    assert "there is no such revision to go back to. There are: 1" in done.stderr
    gone = release.kit("history", "nosuch", "--target", "helm", "-n", NAMESPACE)
    assert gone.returncode == 2
    assert gone.stderr.startswith(f'kit: "nosuch" is not deployed in the namespace "{NAMESPACE}" ')


def test_from_a_registry_every_node_pulls_what_it_runs_by_its_digest(release: Release, tmp_path: Path) -> None:
    release.change(CODE + "\n\nVERSION = 4\n")
    with running_registry(tmp_path) as registry:
        done = release.deploy("--registry", registry)
        assert done.returncode == 0, done.stderr
        name, _, digest = release.image().partition("@")
        assert name == f"{registry}/{NAME}/echo"
        assert status(registry, f"/v2/{NAME}/echo/manifests/{digest}") == 200
    for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{registry}/*/*").split():
        docker("rmi", "--force", image)
