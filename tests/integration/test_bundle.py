"""`kit bundle`: a topology is carried to a cluster without a way out, and installed by the script in the bundle."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from actorkit_kit.kit_folder import BUNDLE_HEAD_BYTES, is_bundle
from tests import needs
from tests.integration.test_compose import kit_with
from tests.kit.deploying import docker
from tests.kit.registry import running_registry, status

pytestmark = [pytest.mark.docker, pytest.mark.cluster, pytest.mark.timeout(600)]

NAME: Final = "carried"
NAMESPACE: Final = "actorkit-carried"
PASSWORD: Final = "carried by hand"
TOPOLOGY: Final = """\
name: carried
actors:
  web: {uses: http-server, expose: {http: 8080}}
  echo: {uses: "p.actors:Echo", build: ./code, params: {password: {secret: the-password}}}
connections: [web -> echo -> web]
clear: true
"""
CODE: Final = """\
from typing import Annotated

from msgspec import Meta

from actorkit import Actor, Event


class Echo(Actor):
    class Params(Actor.Params, frozen=True, kw_only=True):
        password: Annotated[str, Meta(extra={"secret": True})]

    def consume(self, event: Event) -> Event:
        return event.replace(data=self.params.password[::-1])
"""
#: Addresses of the wire into the network namespace, from a block that is nobody's (RFC 6890, "benchmarking").
OUTSIDE, INSIDE = "198.19.77.1", "198.19.77.2"


@dataclass(frozen=True)
class Bundle:
    """The file, and where it is unpacked."""

    file: Path
    folder: Path
    images: list[str]

    def install(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [*before, str(self.folder / "install"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    needs.engine()
    folder = tmp_path_factory.mktemp("carried")
    (folder / "code" / "p").mkdir(parents=True)
    (folder / "code" / "p" / "actors.py").write_text(CODE)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "the-password").write_text(PASSWORD)
    (folder / "topology.yaml").write_text(TOPOLOGY)
    done = kit_with()("bundle", str(folder), "-o", str(folder / "carried.tar"))
    assert done.returncode == 0, done.stderr
    with tarfile.open(folder / "carried.tar") as tar:
        tar.extractall(folder, filter="data")
    images = (folder / NAME / "images.txt").read_text().split()
    yield Bundle(folder / "carried.tar", folder / NAME, images)
    for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{NAME}/*").split():
        docker("rmi", "--force", image)


def test_all_that_is_needed_is_there_and_no_secret(bundle: Bundle) -> None:
    with tarfile.open(bundle.file) as tar:
        entries = {entry.name.removeprefix(f"{NAME}/"): entry for entry in tar.getmembers()}
    assert {(entry.mtime, entry.uid, entry.uname) for entry in entries.values()} == {(0, 0, "")}
    assert {"install", "README.md", "images.tar", "chart/Chart.yaml", "chart/values.yaml"} <= entries.keys()
    assert entries["install"].mode == 0o755
    assert PASSWORD.encode() not in bundle.file.read_bytes()
    assert is_bundle(bundle.file.read_bytes()[:BUNDLE_HEAD_BYTES]), "it is known, and so in no image"
    assert (bundle.folder / "secrets.txt").read_text() == "the-password\n"
    bills = [json.loads(path.read_text()) for path in (bundle.folder / "sbom").iterdir()]
    parts = [bill["metadata"]["component"] for bill in bills]
    assert sorted(f"{part['name']}:{part['version']}" for part in parts) == bundle.images
    with tarfile.open(bundle.folder / "images.tar") as images:
        manifest: Any = images.extractfile("manifest.json")
        assert sorted(tag for image in json.load(manifest) for tag in image["RepoTags"]) == bundle.images


def test_every_file_has_its_sum(bundle: Bundle) -> None:
    lines = (bundle.folder / "SHA256SUMS").read_text().splitlines()
    told = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    files = [path for path in bundle.folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
    kept = {str(path.relative_to(bundle.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert {path: digest for path, digest in kept.items() if not path.startswith("chart/secrets/")} == told


def test_secrets_come_along_where_they_are_asked_for_and_only_their_owner_reads_the_file(bundle: Bundle) -> None:
    file = bundle.file.with_name("whole.tar")
    done = kit_with()("bundle", str(bundle.file.parent), "-o", str(file), "--with-secrets")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as tar:
        found = tar.extractfile(f"{NAME}/chart/secrets/the-password")
        assert found is not None
        assert found.read().decode() == PASSWORD


def test_a_file_that_was_changed_on_the_way_is_refused(bundle: Bundle) -> None:
    chart = bundle.folder / "chart" / "Chart.yaml"
    was = chart.read_bytes()
    chart.write_bytes(was + b"# changed\n")
    try:
        done = bundle.install("--images-are-there")
    finally:
        chart.write_bytes(was)
    assert done.returncode == 1
    assert done.stderr.endswith("install: a file is not what it was. Copy the bundle again.\n")


@pytest.mark.parametrize(
    "arguments", [(), ("--import",), ("--images-are-there", "--registry", "a.example"), ("--frobnicate",)]
)
def test_what_is_typed_wrong_is_told_how(bundle: Bundle, arguments: tuple[str, ...]) -> None:
    done = bundle.install(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ./install (--registry HOST[/PATH] | --import COMMAND | --images-are-there)")


def test_a_secret_that_is_missing_is_told(bundle: Bundle, tmp_path: Path) -> None:
    done = bundle.install("--images-are-there", "--secrets", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.endswith(f'"{tmp_path}/the-password". Write the secret "the-password" into it.\n')


def test_a_cluster_without_a_way_out_gets_it_all_from_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    """Images by an import on the node first, and from a registry beside the cluster then."""
    load = needs.cluster()
    docker("rmi", "--force", *[image for image in bundle.images if image.startswith(f"{NAME}/")])
    importing = tmp_path / "import"
    tags = " ".join(bundle.images)
    importing.write_text(
        f"#!/bin/sh\nset -e\n{needs.tool('docker')} load --quiet --input $1\n{' '.join(load)} {tags}\n"
    )
    importing.chmod(0o755)
    secrets = ("--secrets", str(bundle.file.parent / "secrets"))
    helm = ("--", "--namespace", NAMESPACE, "--create-namespace", "--set", "storage.ephemeral=true")
    try:
        with network_without_a_way_out() as inside, running_registry(tmp_path) as registry:
            assert subprocess.run(
                [*inside, "ip", "route", "get", "192.0.2.1"], capture_output=True, check=False
            ).returncode
            done = bundle.install("--import", str(importing), *secrets, *helm, before=inside)
            assert done.returncode == 0, done.stderr
            assert said() == PASSWORD[::-1]
            done = bundle.install("--registry", registry, *helm, before=inside)
            assert done.returncode == 0, done.stderr
            name, _, tag = next(image for image in bundle.images if image.startswith(f"{NAME}/")).partition(":")
            assert status(registry, f"/v2/{name}/manifests/{tag}") == 200
            path = "{.spec.template.spec.containers[0].image}"
            assert (
                kubectl("get", "deployment", f"{NAME}-echo", "--output", f"jsonpath={path}")
                == f"{registry}/{name}:{tag}"
            )
            assert said() == PASSWORD[::-1]
            for image in bundle.images:
                docker("rmi", f"{registry}/{image}")
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s")


def kubectl(*arguments: str) -> str:
    command = [needs.tool("kubectl"), "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said() -> str:
    """What the release answers."""
    address = kubectl("get", "service", f"{NAME}-web-http", "--output", "jsonpath={.spec.clusterIP}")
    with urllib.request.urlopen(f"http://{address}:8080/echo", data=b"?", timeout=30) as answer:
        text: str = answer.read().decode()
        return text


@contextmanager
def network_without_a_way_out() -> Iterator[tuple[str, ...]]:
    """A network namespace from which only the cluster's API server is reached: what to write before a command."""
    if os.geteuid() != 0:
        needs.missing("needs root, for a network namespace")
    shown = kubectl("config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}")
    server = shown.removeprefix("https://").rpartition(":")[0]
    name = f"ak-{os.getpid()}"
    commands = [
        f"netns add {name}",
        f"link add {name} type veth peer name eth0 netns {name}",
        f"address add {OUTSIDE}/30 dev {name}",
        f"link set {name} up",
        f"-n {name} link set lo up",
        f"-n {name} address add {INSIDE}/30 dev eth0",
        f"-n {name} link set eth0 up",
        f"-n {name} route add {server}/32 via {OUTSIDE}",
    ]
    ip = needs.tool("ip")
    try:
        for command in commands:
            subprocess.run([ip, *command.split()], check=True, capture_output=True)
        yield (ip, "netns", "exec", name)
    finally:
        subprocess.run([ip, "netns", "delete", name], check=False, capture_output=True)
