"""Bills of materials: what they say, that they are CycloneDX, and that they say what is in the image."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from docker import DockerClient

from actorkit_kit.deploy.engine import connect
from actorkit_kit.image import build, sbom
from actorkit_kit.image.contents import Contents, DebianPackage, look_into
from actorkit_kit.plan.model import Image, Plan, Unit
from tests import needs
from tests.kit.image.quiet import Quiet

CONTENTS = Contents(
    "sha256:1",
    (
        {"name": "zope.event", "version": "6.2", "file": "zope_event-6.2-py3-none-any.whl", "sha256": "5e" * 32},
        {"name": "mylib", "version": "1+local", "path": "vendor/mylib", "license_name": "all mine"},
        {"name": "six", "version": "1.16.0", "url": "https://example.com/six.zip", "license": "MIT OR 0BSD"},
    ),
    (DebianPackage("libc6", "1:2.41-12", "amd64"),),
    "debian-13",
    "3.13.5",
)


def check(text: str) -> None:
    """See that a text is a CycloneDX document, by the schema that CycloneDX ships."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in document["components"]}


def test_a_bill_is_cyclonedx_and_names_files_by_their_hashes() -> None:
    document = sbom.document("shop/execute:1", CONTENTS)
    check(json.dumps(document))
    assert document == sbom.document("shop/execute:1", CONTENTS)
    found = by_name(document)
    assert set(found) == {"actorkit", "zope.event", "mylib", "six", "libc6", "python"}
    assert found["zope.event"]["purl"] == "pkg:pypi/zope-event@6.2"
    assert found["zope.event"]["hashes"] == [{"alg": "SHA-256", "content": "5e" * 32}]
    assert found["mylib"]["purl"] == "pkg:generic/mylib@1%2Blocal"
    assert found["mylib"]["licenses"] == [{"license": {"name": "all mine"}}]
    assert found["six"]["licenses"] == [{"expression": "MIT OR 0BSD"}]
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@1%3A2.41-12?arch=amd64&distro=debian-13"


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    needs.engine()
    with closing(connect()) as client:
        yield client


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_a_bill_says_what_is_in_the_image(client: DockerClient, tmp_path: Path) -> None:
    code = tmp_path / "shop"
    code.mkdir()
    (code / "requirements.txt").write_text("six==1.16.0\n")
    image = Image("actorkit-test/billed:0.1.0", "xml", code)
    plan = Plan("shop", "0.1.0", "", tmp_path, (Unit("execute", "actor", "execute", "act:A", image),))
    wanted = build.recipes(plan)
    build.build(client, build.find_outdated(client, wanted), Quiet())
    tag = wanted[-1].tag
    try:
        (path,) = sbom.write_all(client, plan, [tag])
        assert path == tmp_path / ".kit" / "shop-images" / "sbom" / "actorkit-test-billed.cdx.json"
        check(path.read_text())
        found = by_name(json.loads(path.read_text()))
        script = "from importlib import metadata as m; [print(d.name) for d in m.distributions()]"
        said = client.containers.run(tag, ["-I", "-c", f"import sys; sys.path += {PATHS}; {script}"], **PYTHON).decode()
        assert {name for name in said.split() if name not in ("pip",)} <= set(found)
        assert found["six"]["hashes"][0]["content"].startswith("8abb2f1d")
        assert found["six"]["licenses"]
        assert found["dpkg"]["purl"].startswith("pkg:deb/debian/dpkg@")
        assert "python" in found or "python3" in found
        before = path.stat().st_mtime_ns
        sbom.write_all(client, plan, [tag])
        assert path.stat().st_mtime_ns == before
        shutil.copy(path, path.with_name("other.json"))
        path.write_text("no json")
        sbom.write_all(client, plan, [tag])
        assert path.read_text() == path.with_name("other.json").read_text()
    finally:
        client.images.remove(tag, force=True)


#: How a script runs in an image, and where actors find their packages there.
PYTHON: dict[str, Any] = {"entrypoint": "python", "remove": True}
PATHS = ["/opt/actorkit/extra", "/opt/actorkit/lib"]


@pytest.mark.docker
def test_an_image_of_somebody_else_has_what_debian_tells(client: DockerClient) -> None:
    needs.image("debian:trixie-slim")
    contents = look_into(client, "debian:trixie-slim")
    assert contents.packages == ()
    assert contents.debian == "debian-13"
    assert "libc6" in {package.name for package in contents.debian_packages}
