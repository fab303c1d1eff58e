"""What docs/ says of the runtime is what the runtime does."""

from __future__ import annotations

import re

from actorkit.settings import VARIABLES
from tests.fleet import Fleet, fetch
from tests.places import ROOT
from tests.until import until


def rows(page: str, begin: str) -> list[list[str]]:
    """The cells of the table rows of a page whose first cell begins so, without back-ticks around them."""
    lines = [line for line in (ROOT / "docs" / page).read_text().splitlines() if line.startswith(f"| `{begin}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_variables_is_the_contract() -> None:
    found = {name.strip("`"): (default.strip("`"), meaning) for name, default, meaning in rows("environment.md", "ACT")}
    assert "ACTORKIT_OUTBOX_<NAME>" in found
    del found["ACTORKIT_OUTBOX_<NAME>"]
    assert found == VARIABLES


def test_the_table_of_metrics_is_what_an_actor_shows(fleet: Fleet) -> None:
    documented = {
        name.strip("`"): (kind, {"topology", "actor", "instance", *filter(None, labels.split(", "))})
        for name, kind, labels, _ in rows("metrics.md", "actorkit_")
    }
    process = fleet.start("pass", "tests.probes:Pass", outbox_down="pass", dead_letters=str(fleet.folder / "dead"))
    until(process.ready, "it is ready")
    text = fetch(f"{process.admin}/metrics")[1]
    shown = dict(re.findall(r"^# TYPE (actorkit_\w+) (\w+)$", text, re.M))
    assert shown == {name: kind for name, (kind, _) in documented.items()}
    for name, labels in re.findall(r"^(actorkit_\w+){(.*?)} ", text, re.M):
        base = re.sub(r"_(bucket|count|sum)$", "", name) if name not in documented else name
        assert set(re.findall(r'(\w+)="', labels)) - {"le"} == documented[base][1]
