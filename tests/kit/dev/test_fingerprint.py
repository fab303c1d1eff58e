"""A unit has another fingerprint when its instances have to be replaced, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actorkit_kit.dev.fingerprint import fingerprint
from actorkit_kit.load import load_plan

TOPOLOGY = """\
name: shop
actors:
  gen: {uses: generator}
  one: {uses: xslt, params: {stylesheet: {file: submit.xsl}}}
  two: {uses: "shop.actors:Place", build: ./shop, params: {limit_eur: 5}}
  out: {uses: stdout}
connections: [gen -> one -> two -> out]
clear: true
"""


def prints(folder: Path) -> dict[str, str]:
    plan = load_plan(str(folder), "local")
    return {unit.name: fingerprint(plan, unit) for unit in plan.units}


def write(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(path.read_text().replace(old, new) if old else new)

    return change


@pytest.mark.parametrize(
    ("change", "others"),
    [
        (write("topology.yaml", "limit_eur: 5", "limit_eur: 6"), {"two"}),
        (write("topology.yaml", "two: {", "two: {replicas: 3, "), set()),
        (write("topology.yaml", "two -> out", "two -> out, two.audit -> out"), {"two"}),
        (write("submit.xsl", "<order>", "<order >"), {"one"}),
        (write("shop/shop/actors.py", "Places", "Puts"), {"two"}),
        (write("shop/shop/unused.py", "", "import os\n"), set()),
        (write("shop/shop/data.txt", "", "one\n"), {"two"}),
        (write("shop/written.txt", "", "one\n"), set()),
        (write("README.md", "", "one\n"), set()),
    ],
)
def test_only_those_whose_code_files_parameters_or_connections_changed_are_others(
    change: Callable[[Path], None], others: set[str], shop: Path
) -> None:
    (shop / "topology.yaml").write_text(TOPOLOGY)
    before = prints(shop)
    change(shop)
    after = prints(shop)
    assert {name for name in before if after[name] != before[name]} == others
