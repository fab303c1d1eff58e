"""The dashboard: rows as the topology has servers, and nothing in it that Prometheus does not read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from actorkit_kit.render.dashboard import dashboard
from actorkit_kit.render.yamltext import Quoted, dump
from tests import needs
from tests.kit.plans import plan_of
from tests.kit.render.goldens import orders

PLAIN: Final = (
    "name: plain\nactors: {gen: {uses: generator}, out: {uses: stdout}}\nconnections: [gen -> out]\nclear: true\n"
)


def panels(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)["panels"]
    return found


def queries(text: str) -> list[str]:
    """What the panels ask, for all actors."""
    found = [target["expr"] for panel in panels(text) for target in panel.get("targets", ())]
    return [expr.replace("$actor", ".*").replace("$__rate_interval", "1m") for expr in found]


def rows(text: str) -> list[str]:
    return [panel["title"] for panel in panels(text) if panel["type"] == "row"]


def test_a_row_is_there_where_the_topology_has_what_it_shows(tmp_path: Path) -> None:
    assert {"HTTP", "Services", "Dead letters"} <= set(rows(dashboard(orders())))
    assert {"HTTP", "Services"}.isdisjoint(rows(dashboard(plan_of(PLAIN, tmp_path))))


def test_the_choice_of_actors_is_that_of_the_plan(tmp_path: Path) -> None:
    (_, actors) = json.loads(dashboard(plan_of(PLAIN, tmp_path)))["templating"]["list"]
    assert actors["query"] == "gen,out"


def test_no_panel_lies_upon_another_one() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(dashboard(orders())):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells


def test_prometheus_reads_what_every_panel_asks(tmp_path: Path) -> None:
    asked = [*queries(dashboard(orders())), *queries(dashboard(orders(), release=True))]
    rules = [{"record": f"query:{number}", "expr": Quoted(expr)} for number, expr in enumerate(asked)]
    (tmp_path / "rules.yml").write_text(dump({"groups": [{"name": "queries", "rules": rules}]}))
    command = [needs.tool("promtool"), "check", "rules", "rules.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(asked) > 50


def test_each_panel_asks_for_series_of_this_topology_alone() -> None:
    for expr in queries(dashboard(orders())):
        assert expr.count('topology="orders"') == expr.count("{"), expr
    for expr in queries(dashboard(orders(), release=True)):
        assert expr.count('topology="orders", namespace="@namespace", release="@release"') == expr.count("{"), expr
