"""Pushing to registries, with a real one: names and digests there, and what is rendered from them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound
from ruamel.yaml import YAML

from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.image import build
from actorkit_kit.image.push import Pushed, check_registry, in_registry, push, read_record
from actorkit_kit.plan.model import Image, Plan
from actorkit_kit.render import helm
from tests import needs
from tests.kit.deploying import kit
from tests.kit.plans import plan_of
from tests.kit.registry import status
from tests.ports import free_port

DIGEST = f"sha256:{'0' * 64}"
TOPOLOGY = """name: gpush
clear: true
actors:
  gen: {uses: generator, params: {interval_s: 1}}
  act: {uses: "act:A", build: ./shop}
connections: [gen -> act]
"""
CODE = """from actorkit import Actor, Event
class A(Actor):
    def consume(self, event: Event) -> None:
        pass
"""


@pytest.mark.parametrize(
    ("registry", "message"),
    [
        ("https://example.com", "is a URL. Write host"),
        ("", "is not a registry. Write host"),
        ("example.com/Team", "is not a registry. Write host"),
        ("team", "names no host. Write docker.io/team"),
    ],
)
def test_what_is_no_registry_is_told(registry: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_registry(registry)


@pytest.mark.parametrize("registry", ["example.com", "localhost/team", "127.0.0.1:5000", "ghcr.io/acme/shop", "a.b/c/"])
def test_a_registry_is_written_as_before_the_name_of_an_image(registry: str) -> None:
    assert check_registry(registry) == registry.rstrip("/")


def test_a_name_of_an_image_has_three_parts() -> None:
    assert Image("r:5000/shop/execute:1").parts == ("r:5000/shop/execute", "1", "")
    assert Image(f"r:5000/shop/execute:1@{DIGEST}").parts == ("r:5000/shop/execute", "1", DIGEST)


def test_a_chart_names_an_image_by_its_digest_and_others_by_their_tags(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "act.py").write_text(CODE)
    plan = build.identify(plan_of(TOPOLOGY, tmp_path))
    wanted = build.recipes(plan)
    own = wanted[-1]
    known = {f"r.io/{own.tag}": {"digest": DIGEST, "made_of": own.digest}}
    (tmp_path / ".kit" / "gpush-images").mkdir(parents=True)
    (tmp_path / ".kit" / "gpush-images" / "pushed.json").write_text(json.dumps(known))
    named, unknown = in_registry(plan, wanted, "r.io")
    assert [name.rpartition(":")[0] for name in unknown] == ["r.io/actorkit/generator"]
    values = YAML(typ="safe").load(str(helm.render(named)["values.yaml"]))
    assert values["actors"]["act"]["image"]["repository"] == "r.io/gpush/act"
    assert values["actors"]["act"]["image"]["digest"] == DIGEST
    assert "digest" not in values["actors"]["gen"]["image"]
    (tmp_path / "shop" / "act.py").write_text(CODE + "# changed\n")
    assert len(in_registry(build.identify(plan), build.recipes(plan), "r.io")[1]) == 2
    assert Pushed("r.io/a:1", DIGEST, "").reference == f"r.io/a:1@{DIGEST}"


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    needs.engine()
    with closing(connect()) as client:
        yield client


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_what_is_pushed_is_rendered_by_its_digest_and_comes_back_by_it(
    client: DockerClient, registry: str, tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "act.py").write_text(CODE)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    one, two = f"{registry}/one", f"{registry}/two"
    done = kit("push", str(tmp_path), "--registry", one, "--registry", two, "-o", "json")
    assert done.returncode == 0, done.stderr
    pushed = {entry["image"]: entry["digest"] for entry in json.loads(done.stdout)}
    try:
        for name, digest in pushed.items():
            repository = name.rpartition(":")[0].removeprefix(f"{registry}/")
            assert status(registry, f"/v2/{repository}/manifests/{digest}") == 200
        (own,) = [name for name in pushed if name.startswith(f"{one}/gpush/act:")]
        assert {name.removeprefix(one) for name in pushed if name.startswith(one)} == {
            name.removeprefix(two) for name in pushed if name.startswith(two)
        }

        done = kit("render", "compose", str(tmp_path), "-o", str(tmp_path / "out"), "--registry", one)
        assert (done.returncode, "not pushed" in done.stderr) == (0, False), done.stderr
        services = YAML(typ="safe").load((tmp_path / "out" / "compose.yaml").read_text())["services"]
        assert services["act"]["image"] == f"{own}@{pushed[own]}"
        checked = [needs.tool("docker"), "compose", "-f", str(tmp_path / "out" / "compose.yaml"), "config", "--quiet"]
        assert subprocess.run(checked, capture_output=True, check=False).returncode == 0

        id_ = client.images.get(own).id
        for name in pushed:
            client.images.remove(name)
        client.images.remove(own.removeprefix(f"{one}/"), force=True)
        client.images.pull(f"{own.rpartition(':')[0]}@{pushed[own]}")
        assert client.images.get(f"{own}@{pushed[own]}").id == id_

        (tmp_path / "shop" / "act.py").write_text(CODE + "# changed\n")
        done = kit("render", "compose", str(tmp_path), "-o", str(tmp_path / "out"), "--registry", one)
        assert "is named by its tag: it was not pushed from here as it is now" in done.stderr
        assert f"{one}/gpush/act" in done.stderr
        assert "runtime" not in done.stderr
    finally:
        for name in [f"{name.rpartition(':')[0]}@{digest}" for name, digest in pushed.items()]:
            with suppress(ImageNotFound):
                client.images.remove(name, force=True)
        for name in [*pushed, *(f"gpush/act:{name.rpartition(':')[2]}" for name in pushed if "/gpush/" in name)]:
            with suppress(ImageNotFound):
                client.images.remove(name, force=True)


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_a_registry_that_takes_nothing_is_told(client: DockerClient, tmp_path: Path) -> None:
    needs.image("debian:trixie-slim")
    recipe = build.runtime_recipe("0.1.0")
    recipe = replace(recipe, repository="actorkit-test/refused", release="")
    client.images.get("debian:trixie-slim").tag(recipe.repository, recipe.tag.rpartition(":")[2])
    where = f"127.0.0.1:{free_port()}"
    plan = Plan("shop", "0.1.0", "", tmp_path, ())
    try:
        with pytest.raises(KitError, match=rf'"{where}/{recipe.tag}" could not be pushed: .*refused'):
            push(client, plan, [recipe], [where], lambda *_: None)
        assert read_record(plan) == {}
    finally:
        for name in (recipe.tag, f"{where}/{recipe.tag}"):
            client.images.remove(name)
