"""Locks: what they hold, what disagrees with them, and that builds from one give one digest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import KitError
from actorkit_kit.image import build, lock
from actorkit_kit.image.lock import Lock, LockedImage
from actorkit_kit.image.resolve import check_base, make_lock
from actorkit_kit.plan.model import Image, Plan, Unit
from tests import needs
from tests.kit.image.quiet import Quiet

SIX = {"name": "six", "version": "1.16.0", "file": "six-1.16.0-py2.py3-none-any.whl", "sha256": "8abb"}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A topology with one actor of the author's, which asks for packages."""
    code = tmp_path / "shop"
    (code / "vendor" / "mylib" / "mylib").mkdir(parents=True)
    (code / "vendor" / "mylib" / "mylib" / "__init__.py").write_text("one = 1\n")
    project = '[project]\nname = "mylib"\nversion = "1"\n[build-system]\nrequires = ["setuptools"]\n'
    (code / "vendor" / "mylib" / "pyproject.toml").write_text(project)
    (code / "act.py").write_text("one = 1\n")
    (code / "requirements.txt").write_text("six==1.16.0\n./vendor/mylib\n")
    execute = Unit("execute", "actor", "execute", "act:A", Image("actorkit-test/locked:0.1.0", "xml", code))
    return Plan("shop", "0.1.0-locked", "", tmp_path, (execute,))


def write(plan: Plan, base: str = "sha256:1", platform: str = "linux/amd64") -> Lock:
    """The lock of the plan, written beside its topology."""
    images = {
        "actorkit/runtime": LockedImage(lock.asks_hash(None), (SIX,)),
        "actorkit-test/locked": LockedImage(lock.asks_hash(plan.units[0].image), (SIX,), ("--no-index",)),
    }
    found = Lock("shop", base, platform, "3.13.5", images, plan.version)
    (plan.base / lock.FILE).write_text(found.text())
    return found


def test_a_lock_is_read_as_it_was_written(plan: Plan) -> None:
    assert lock.read(plan) is None
    written = write(plan)
    assert lock.read(plan) == written
    assert written.text() == replace(written).text()


def test_a_recipe_holds_what_its_lock_says(plan: Plan) -> None:
    open_, *_ = build.recipes(plan)
    write(plan)
    runtime, execute = build.recipes(plan)
    assert runtime.arguments["PYTHON"] == "sha256:1"
    assert open_.digest != runtime.digest
    told = execute.locked[build.LOCKED.format("actor")]
    assert json.loads(told) == {"hashed": ["--no-index", "six==1.16.0 --hash=sha256:8abb"], "local": []}
    write(plan, base="sha256:2")
    assert build.recipes(plan)[1].digest != execute.digest


def test_what_disagrees_with_a_lock_is_refused_and_says_what_to_do(plan: Plan) -> None:
    written = write(plan)
    path = plan.base / lock.FILE

    def refused(match: str, plan: Plan = plan) -> None:
        with pytest.raises(KitError, match=match):
            build.recipes(plan)

    (plan.base / "shop" / "requirements.txt").write_text("six==1.17.0\n")
    refused(r'kit.lock: "actorkit-test/locked" asks for other packages than when it was made. Say kit lock again.')
    other = replace(plan.units[0], name="split", image=Image("actorkit/xslt:0.1.0", "xml"))
    refused(r'kit.lock: it has no image "actorkit/xslt". Say kit lock again', replace(plan, units=(other,)))
    refused(r'kit.lock: it belongs to the topology "shop". Give each', replace(plan, topology="other"))
    refused(r"kit.lock: it was made by actorkit 0.1.0-locked, and this is 9", replace(plan, version="9"))
    for text in ("no json", "[]", "{}", '{"lock": 1}', "[" * 50_000, written.text().replace("8abb", "")):
        path.write_text(text)
        refused(r"kit.lock: this is no lock of kit's. Say kit lock again")
    path.write_text('{"lock": 2}')
    refused("kit.lock: it has format 2, and this kit reads 1")


def test_a_new_lock_tells_what_changed(plan: Plan) -> None:
    before = write(plan)
    newer = LockedImage("", ({**SIX, "version": "1.17.0"}, {**SIX, "name": "idna"}))
    now = replace(before, base="sha256:2", images={**before.images, "actorkit/runtime": newer})
    assert lock.changes(None, now) == []
    assert lock.changes(before, before) == []
    assert lock.changes(before, now) == [
        "base image: sha256:1 → sha256:2",
        "actorkit/runtime: idna none → 1.16.0",
        "actorkit/runtime: six 1.16.0 → 1.17.0",
    ]


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    needs.engine()
    needs.image(lock.BASE)
    with closing(connect()) as client:
        yield client


@pytest.mark.docker
@pytest.mark.timeout(400)
def test_two_builds_from_one_lock_have_one_digest(client: DockerClient, plan: Plan) -> None:
    found = make_lock(client, plan)
    (plan.base / lock.FILE).write_text(found.text())
    packages = {package["name"]: package for package in found.images["actorkit-test/locked"].packages}
    assert set(packages) == {"lxml", "six", "mylib"}
    assert packages["six"]["version"] == "1.16.0"
    assert packages["mylib"]["path"] == "vendor/mylib"
    assert all(package["sha256"] for package in found.images["actorkit/runtime"].packages)
    wanted = build.recipes(plan)
    try:
        digests = []
        for _ in range(2):
            build.build(client, wanted, Quiet(), no_cache=True)
            digests.append([client.images.get(recipe.tag).id for recipe in wanted])
        assert digests[0] == digests[1]
        attributes = client.images.get(wanted[1].tag).attrs
        runtime = client.images.get(wanted[0].tag).attrs["RootFS"]["Layers"]
        assert attributes["RootFS"]["Layers"][: len(runtime)] == runtime
        assert attributes["Config"]["User"] == "10001:10001"
        script = "import six, mylib, lxml.etree, zmq, gevent; print(six.__version__, mylib.one)"
        said = client.containers.run(wanted[1].tag, ["-c", script], entrypoint="python", remove=True)
        assert said.decode().split() == ["1.16.0", "1"]
    finally:
        for recipe in reversed(wanted):
            with suppress(ImageNotFound):
                client.images.remove(recipe.tag, force=True)


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_a_package_that_is_another_file_than_in_the_lock_is_not_built_in(client: DockerClient, plan: Plan) -> None:
    write(plan, base=str(client.images.get(lock.BASE).id))
    runtime, _ = build.recipes(plan)
    with pytest.raises(KitError, match="could not be built") as raised:
        build.build(client, [runtime], Quiet())
    assert "sha256 8abb" in str(raised.value)


@pytest.mark.docker
def test_a_base_image_that_cannot_be_had_is_told(client: DockerClient, plan: Plan) -> None:
    base = str(client.images.get(lock.BASE).id)
    with pytest.raises(KitError, match=r"kit.lock: its base image was never in a registry, and this engine does not"):
        check_base(client, write(plan, base=f"sha256:{'0' * 64}"))
    with pytest.raises(KitError, match=r"kit.lock: it was made for linux/mips, and this is linux/"):
        check_base(client, write(plan, base=base, platform="linux/mips"))


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_a_lock_may_be_for_another_base_image(client: DockerClient, plan: Plan) -> None:
    needs.image("python:3.11-slim")
    found = make_lock(client, plan, "python:3.11-slim")
    assert found.python.startswith("3.11.")
    image = client.images.get("python:3.11-slim")
    assert found.base in (image.id, *image.attrs["RepoDigests"])
    assert any("cp311" in package["file"] for package in found.images["actorkit/runtime"].packages)
    with pytest.raises(KitError, match='the base image "actorkit-test/none:1" cannot be pulled'):
        make_lock(client, plan, "actorkit-test/none:1")
    with pytest.raises(KitError, match='"No such:name" is no name of an image'):
        make_lock(client, plan, "No such:name")


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_what_no_index_has_is_told_by_pip(client: DockerClient, plan: Plan) -> None:
    (plan.base / "shop" / "requirements.txt").write_text("six==99.0\n")
    with pytest.raises(KitError, match=r"the packages could not be resolved. pip said last:") as raised:
        make_lock(client, plan)
    assert "six==99.0" in str(raised.value)
