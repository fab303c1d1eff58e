"""`kit dlq --target helm`: dead letters on a Kubernetes cluster outlive their pods."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests import needs
from tests.kit.deploying import docker, kit, load_images
from tests.kit.remote.test_dead_letters import CODE
from tests.until import until

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(900)]

NAME: Final = "dlq-pods"
EVENTS: Final = 4000
BOX: Final = f"{NAME}-dead-letters-0"
WHERE: Final = ("-d", NAME, "--target", "helm", "-n", NAME)

TOPOLOGY: Final = f"""\
name: {NAME}
actors:
  gen: {{uses: generator, params: {{interval_s: 0.005, count: {EVENTS}, data: tick}}}}
  place: {{uses: "shop.actors:Place", build: ./shop, replicas: 2}}
  out: {{uses: stdout}}
connections: [gen -> place -> out]
clear: true
"""


def kubectl(*arguments: str, given: str = "") -> str:
    command = [needs.tool("kubectl"), "--namespace", NAME, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def dlq(*arguments: str) -> Any:
    done = kit("dlq", *arguments, *WHERE, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def volume(folder: Path) -> dict[str, Any]:
    """A volume for the claim of the box: a folder of this machine, which is the cluster's node."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": str(folder)},
            "claimRef": {"namespace": NAME, "name": f"keeps-folder-{BOX}"},
        },
    }


@pytest.fixture
def deployed(shop: Path) -> Iterator[None]:
    load = needs.cluster()
    needs.engine()
    (shop / "shop" / "shop" / "actors.py").write_text(CODE)
    (shop / "topology.yaml").write_text(TOPOLOGY)
    folder = Path(tempfile.mkdtemp(prefix="dlq-pods-"))
    folder.chmod(0o777)
    try:
        kubectl("apply", "--filename", "-", given=json.dumps(volume(folder)))
        load_images(shop, load)
        done = kit("deploy", str(shop), "--target", "helm", "-n", NAME, "--timeout", "180")
        assert done.returncode == 0, done.stderr
        yield
    finally:
        command = [needs.tool("kubectl"), "delete", "--ignore-not-found", "--timeout=120s"]
        subprocess.run([*command, "namespace", NAME], check=False)
        subprocess.run([*command, "persistentvolume", NAME], check=False)
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", NAME + "/*").split():
            docker("rmi", "--force", image)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.usefixtures("deployed")
def test_every_letter_is_there_once_though_the_pod_of_the_box_is_killed_under_a_stream_of_failures() -> None:
    for _ in range(3):
        kubectl("delete", "pod", BOX, "--force", "--grace-period=0")
        until(lambda: BOX in kubectl("get", "pods", "--output=name"), "its StatefulSet makes it anew", timeout_s=60)
        kubectl("wait", "--for=condition=Ready", f"pod/{BOX}", "--timeout=60s")
    until(lambda: len(dlq("list")) >= EVENTS, "all events have failed", timeout_s=120, pause_s=1)
    found = dlq("list")
    assert len(found) == len({letter["key"] for letter in found}) == EVENTS
    assert {letter["actor"] for letter in found} == {"place"}
    for pod in kubectl("get", "pods", "--output=name", "--selector=app.kubernetes.io/component=place").split():
        kubectl("exec", pod, "--", "python", "-c", "open('/tmp/mended', 'w')")
    assert dlq("retry", "place", "all", "--limit", "100", "--rate", "200")["sent"] == 100
    until(lambda: kubectl("logs", f"deployment/{NAME}-out", "--tail=-1").count("tick") == 100, "they go on", 60)
    assert dlq("drop", "place", "all")["dropped"] == EVENTS - 100
    refused = kit("dlq", "list", "gen", *WHERE)
    assert (refused.returncode, refused.stderr) == (
        2,
        'kit: "gen" has no dead letters here. Actors that can have some: out, place.\n',
    )
    context = subprocess.run(
        [needs.tool("kubectl"), "config", "current-context"], capture_output=True, text=True, check=True
    )
    there = f'the namespace "{NAME}" of the context "{context.stdout.strip()}"'
    nowhere = kit("dlq", "list", "-d", "nosuch", "--target", "helm", "-n", NAME)
    assert (nowhere.returncode, nowhere.stderr) == (
        2,
        f'kit: "nosuch" is not deployed in {there}. There are: {NAME} ({there}).\n',
    )
