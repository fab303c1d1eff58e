"""`kit deploy --registry` on a real engine, with a real registry: what runs is what the registry has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from actorkit_kit.deploy.engine import connect
from tests import needs
from tests.kit.deploying import docker, kit
from tests.kit.registry import status

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

NAME = "b-registry-test"
TOPOLOGY = f"""name: {NAME}
clear: true
actors:
  gen: {{uses: generator, params: {{interval_s: 1}}}}
  act: {{uses: "act:A", build: ./shop}}
connections: [gen -> act]
"""
CODE = """from actorkit import Actor, Event
class A(Actor):
    def consume(self, event: Event) -> None:
        pass
"""


@pytest.fixture
def client() -> Iterator[DockerClient]:
    needs.engine()
    with closing(connect()) as client:
        yield client


@pytest.fixture
def topology(client: DockerClient, registry: str, tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "act.py").write_text(CODE)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    yield tmp_path
    kit("down", NAME, "--volumes")
    forget(client, registry)
    forget(client, f"{NAME}/")


def forget(client: DockerClient, beginning: str) -> None:
    """Have the engine forget every image whose name begins so."""
    for image in client.images.list():
        for name in (*image.tags, *(image.attrs["RepoDigests"] or ())):
            if name.startswith(beginning):
                with suppress(ImageNotFound):
                    client.images.remove(name, force=True)


def images() -> dict[str, str]:
    """Actor → the image that its container was made from."""
    listed = docker(
        "ps",
        "--filter",
        f"label=io.actorkit.topology={NAME}",
        "--format",
        '{{.Label "io.actorkit.actor"}} {{.Image}}',
        "--no-trunc",
    )
    return dict(line.split() for line in listed.splitlines())


def test_a_deployment_runs_from_a_registry_by_digest_and_a_rollback_has_images_from_there(
    client: DockerClient, registry: str, topology: Path
) -> None:
    deploy = ("deploy", str(topology), "--no-prometheus", "--registry", registry)
    done = kit(*deploy)
    assert done.returncode == 0, done.stderr
    assert f"kit: pushed {registry}/{NAME}/act:" in done.stderr
    assert "runtime" not in done.stderr.split("kit: pushed", 1)[1]  # what no container runs stays here
    first = images()
    for name in first.values():
        tagged, _, digest = name.removeprefix(f"{registry}/").partition("@")
        assert status(registry, f"/v2/{tagged.rpartition(':')[0]}/manifests/{digest}") == 200

    (topology / "shop" / "act.py").write_text(CODE + "# changed\n")
    done = kit(*deploy)
    assert done.returncode == 0, done.stderr
    second = images()
    assert (second["gen"], second["act"] == first["act"]) == (first["gen"], False)

    forget(client, first["act"].partition("@")[0].rpartition(":")[0])
    forget(client, f"{NAME}/act")
    done = kit("rollback", "-d", NAME)
    assert done.returncode == 0, done.stderr
    assert images() == first


def test_a_registry_that_takes_nothing_leaves_all_as_it_is(topology: Path) -> None:
    done = kit("deploy", str(topology), "--no-prometheus", "--registry", "127.0.0.1:1")
    assert done.returncode == 1
    assert "could not be pushed" in done.stderr
    assert (
        json.loads(docker("ps", "--all", "--filter", f"label=io.actorkit.topology={NAME}", "--format", "json") or "[]")
        == []
    )
    wrong = kit("deploy", str(topology), "--registry", "https://example.com")
    assert (wrong.returncode, "is a URL" in wrong.stderr) == (2, True)
