"""An image gets the package that publishes its actor, from where the author's folder says, with its extra."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from actorkit_kit.deploy.engine import connect
from actorkit_kit.image import build, lock
from actorkit_kit.image.resolve import make_lock
from actorkit_kit.plan.model import Image, Plan, Unit
from tests import needs
from tests.kit.image.quiet import Quiet
from tests.wheels import write_wheel

LINES = ["Requires-Dist: actorkit[xml]", "Provides-Extra: rates", 'Requires-Dist: iniconfig; extra == "rates"']
FILES = {"shop_tax.py": "from actorkit import Actor\n\n\nclass Tax(Actor):\n    pass\n"}
POINTS = "[actorkit.actors]\nshop-tax = shop_tax:Tax [rates]\n"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A topology with an actor of a package, whose wheel the author's folder has."""
    wheel = write_wheel(tmp_path / "deps", "shop-tax", "1.2", FILES, points=POINTS, lines=LINES)
    (tmp_path / "deps" / "requirements.txt").write_text(f"./{wheel.name}\n")
    image = Image("actorkit-test/taxes:0.1.0", "xml", tmp_path / "deps", "shop-tax[rates]==1.2")
    unit = Unit("tax", "actor", "shop-tax", "shop_tax:Tax", image)
    return Plan("taxes", "0.1.0-package", "", tmp_path, (unit,))


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    needs.engine()
    needs.image(lock.BASE)
    with closing(connect()) as client:
        yield client


def test_the_package_decides_about_the_tag(plan: Plan) -> None:
    image = plan.units[0].image
    tags = set()
    for package in ("shop-tax[rates]==1.2", "shop-tax[rates]==1.3", ""):
        unit = Unit("tax", "actor", "shop-tax", "shop_tax:Tax", Image(image.tag, "xml", image.build, package))
        tags.add(build.recipes(Plan("taxes", "0.1.0", "", plan.base, (unit,)))[1].tag)
    assert len(tags) == 3


@pytest.mark.docker
@pytest.mark.timeout(400)
@pytest.mark.parametrize("locked", [False, True], ids=["from requirements", "from a lock"])
def test_the_image_has_the_package_and_what_its_extra_brings(client: DockerClient, plan: Plan, locked: bool) -> None:
    if locked:
        found = make_lock(client, plan)
        packages = {package["name"] for package in found.images["actorkit-test/taxes"].packages}
        assert packages == {"lxml", "shop-tax", "iniconfig"}
        (plan.base / lock.FILE).write_text(found.text())
    wanted = build.recipes(plan)
    try:
        build.build(client, wanted, Quiet())
        told = "import shop_tax, iniconfig, lxml; from importlib.metadata import version; print(version('shop-tax'))"
        command = [needs.tool("docker"), "run", "--rm", "--entrypoint=python", wanted[1].tag, "-c", told]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout == "1.2\n", done.stderr
    finally:
        for recipe in reversed(wanted):
            with suppress(ImageNotFound):
                client.images.remove(recipe.tag, force=True)
