"""Actors that packages publish: found by `uses`, listed, checked, run, and installed in images."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from actorkit_kit import python_process
from tests.kit.conftest import Kit
from tests.kit.running import KitRun
from tests.until import until
from tests.wheels import install_wheel, write_wheel

TAX = '''\
from typing import Annotated

from msgspec import Meta

from actorkit import Actor, Event


class Tax(Actor):
    """Adds the tax to a price.

    Failures:
        Malformed (400): the data is no price.
    """

    class Params(Actor.Params, frozen=True, kw_only=True):
        rate_percent: Annotated[int, Meta(ge=0, le=100, description="the tax")] = 19

    def consume(self, event: Event) -> Event:
        return event.replace(f"{int(event.text()) * (100 + self.params.rate_percent) // 100} with tax")
'''
POINTS = "[actorkit.actors]\nshop-tax = shop_tax.tax:Tax [rates]\n"
TOPOLOGY = """\
name: taxes
actors:
  gen: {uses: generator, params: {interval_s: 0.1, data: "100"}}
  tax: {uses: shop-tax, params: {rate_percent: 7}}
  out: {uses: stdout}
connections: [gen -> tax -> out]
clear: true
"""
FILES = {"shop_tax/__init__.py": "raise_nothing = True\n", "shop_tax/tax.py": TAX}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    lines = ["Provides-Extra: rates"]
    return write_wheel(tmp_path / "wheels", "shop-tax", "1.2", FILES, points=POINTS, lines=lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the topology."""
    (tmp_path / "taxes").mkdir()
    (tmp_path / "taxes" / "topology.yaml").write_text(TOPOLOGY)
    return tmp_path / "taxes"


@pytest.fixture
def path(wheel: Path, tmp_path: Path) -> str:
    """The path of modules of a machine on which the package is installed."""
    install_wheel(wheel, tmp_path / "site", by_index=True)
    return with_folder(tmp_path / "site")


def with_folder(site: Path) -> str:
    return f"{python_process.environ()['PYTHONPATH']}:{site}"


def test_it_is_listed_with_its_package_and_told_like_a_stock_actor(kit: Kit, path: str) -> None:
    assert re.search(r"^shop-tax +shop-tax 1\.2 +Adds the tax to a price$", kit("actors", PYTHONPATH=path).stdout, re.M)
    listed = {each["name"]: each for each in json.loads(kit("actors", "-o", "json", PYTHONPATH=path).stdout)}
    assert listed["shop-tax"]["version"] == "1.2"
    assert "package" not in listed["xslt"]
    assert re.search(r"^rate_percent +int +% +19 +the tax$", kit("actors", "shop-tax", PYTHONPATH=path).stdout, re.M)


def test_what_is_wrong_in_its_parameters_is_found(kit: Kit, folder: Path, path: str) -> None:
    assert kit("validate", "topology.yaml", cwd=folder, PYTHONPATH=path).returncode == 0
    (folder / "topology.yaml").write_text(TOPOLOGY.replace("rate_percent: 7", "rate_percent: 107"))
    found = kit("validate", "topology.yaml", cwd=folder, PYTHONPATH=path).stdout
    assert "actors.tax.params.rate_percent: expected `int` <= 100" in found


def test_its_class_is_as_good_as_its_name(kit: Kit, folder: Path, path: str) -> None:
    (folder / "topology.yaml").write_text(TOPOLOGY.replace("uses: shop-tax", 'uses: "shop_tax.tax:Tax"'))
    assert kit("validate", "topology.yaml", cwd=folder, PYTHONPATH=path).returncode == 0


def test_the_schema_knows_its_parameters(kit: Kit, path: str) -> None:
    schema = json.loads(kit("schema", PYTHONPATH=path).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    assert not list(validator.iter_errors(YAML(typ="safe").load(TOPOLOGY)))
    bad = YAML(typ="safe").load(TOPOLOGY.replace("rate_percent: 7", "rate_percent: 107"))
    assert [error.json_path for error in validator.iter_errors(bad)] == ["$.actors.tax.params.rate_percent"]


def test_without_the_package_its_name_is_unknown(kit: Kit, folder: Path) -> None:
    found = kit("validate", "topology.yaml", cwd=folder).stdout
    assert 'actors.tax.uses: there is no actor "shop-tax"' in found


@pytest.fixture
def running(folder: Path, path: str) -> Iterator[KitRun]:
    run = KitRun(folder, PYTHONPATH=path)
    yield run
    run.close()


def test_kit_run_runs_it(running: KitRun) -> None:
    running.table()
    until(lambda: re.search(r"^out-1 +\| 107 with tax$", running.said(), re.MULTILINE), "a price comes out")
    assert running.stop() == 0


DIRECTOR = """
from actorkit.director import Director
from actorkit_actors.flow.generator import Generator
from actorkit_actors.flow.stdout import Stdout
director = Director("taxes", clear=True)
gen = director.register_actor(Generator, "gen", interval_s=0.01, data="100")
tax = director.register_actor("shop-tax", "tax", rate_percent=7)
out = director.register_actor(Stdout, "out")
director.connect_queue(gen, tax)
director.connect_queue(tax, out)
"""


def test_a_director_finds_it_by_its_name(kit: Kit, folder: Path, path: str) -> None:
    (folder / "app.py").write_text(DIRECTOR)
    assert kit("validate", "app.py:director", cwd=folder, PYTHONPATH=path).returncode == 0
    unknown = DIRECTOR.replace('"shop-tax"', '"shop-taxes"')
    command = [sys.executable, "-c", unknown]
    done = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=60)
    assert '"shop-taxes" is no name of one actor: no installed package publishes it. Give the class' in done.stderr


def test_a_package_from_a_file_runs_here_and_wants_to_be_named_for_images(
    kit: Kit, folder: Path, wheel: Path, tmp_path: Path
) -> None:
    install_wheel(wheel, tmp_path / "direct")
    path = with_folder(tmp_path / "direct")
    found = kit("render", "compose", "topology.yaml", "-o", "out", cwd=folder, PYTHONPATH=path)
    assert found.returncode == 2
    assert "actors.tax.uses: shop-tax 1.2 was installed from file://" in found.stderr
    assert "Add build: with a folder whose requirements.txt names its wheel" in found.stderr
    (folder / "deps").mkdir()
    (folder / "deps" / wheel.name).write_bytes(wheel.read_bytes())
    (folder / "deps" / "requirements.txt").write_text(f"./{wheel.name}\n")
    (folder / "topology.yaml").write_text(TOPOLOGY.replace("uses: shop-tax", "uses: shop-tax, build: deps"))
    assert kit("validate", "topology.yaml", cwd=folder, PYTHONPATH=path).returncode == 0


def test_a_name_that_two_have_is_a_finding_that_names_both(kit: Kit, folder: Path, tmp_path: Path) -> None:
    points = "[actorkit.actors]\nstdout = shop_tax.tax:Tax\nshop-tax = shop_tax.tax:Tax\n"
    install_wheel(
        write_wheel(tmp_path / "wheels", "shop-out", "0.3", FILES, points=points), tmp_path / "site", by_index=True
    )
    others = {"other.py": TAX}
    points = "[actorkit.actors]\nshop-tax = other:Tax\n"
    install_wheel(
        write_wheel(tmp_path / "wheels", "other-tax", "2", others, points=points), tmp_path / "site", by_index=True
    )
    path = with_folder(tmp_path / "site")
    found = kit("validate", "topology.yaml", cwd=folder, PYTHONPATH=path).stdout
    stock = "the stock actor actorkit_actors.flow.stdout:Stdout and shop_tax.tax:Tax of shop-out 0.3"
    assert f'actors.out.uses: "stdout" is the name of {stock}' in found
    assert (
        'actors.tax.uses: "shop-tax" is the name of other:Tax of other-tax 2 and shop_tax.tax:Tax of shop-out' in found
    )
    own = TOPOLOGY.replace("uses: shop-tax", 'uses: "other:Tax"')
    own = own.replace("uses: stdout", 'uses: "actorkit_actors.flow.stdout:Stdout"')
    (folder / "topology.yaml").write_text(own)
    assert kit("validate", "topology.yaml", cwd=folder, PYTHONPATH=path).returncode == 0
    assert '"stdout" is the name of' in kit("actors", PYTHONPATH=path).stderr
