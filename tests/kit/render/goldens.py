"""What the orders example is rendered to, compared whole. `python -m tests.kit.render.goldens` writes it anew."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import compose, helm
from tests.places import ORDERS

GOLDEN: Final = Path(__file__).with_name("golden")

#: Target → the files that are generated; the others are copies.
GENERATED: Final = {
    "compose": (
        ".env.example",
        ".gitignore",
        "compose.yaml",
        "grafana/dashboard.json",
        "grafana/folder.yml",
        "grafana/source.yml",
        "prometheus/alerts.yml",
        "prometheus/prometheus.yml",
    ),
    "helm": (".gitignore", "monitoring/alerts.yaml", "monitoring/dashboard.json", "values.yaml"),
}


@cache
def orders() -> Plan:
    """The plan of the example; with no digest, which every change to the example's code would change."""
    return replace(load_plan(str(ORDERS), "compose"), digest="0" * 64)


def rendered(target: str, plan: Plan | None = None) -> dict[str, str | bytes]:
    """What a target renders for the example, or for a plan."""
    render = {"compose": compose.render, "helm": helm.render}[target]
    return render(plan or orders())


if __name__ == "__main__":
    for target, names in GENERATED.items():
        found = rendered(target)
        for name in names:
            path = GOLDEN / target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(found[name]))
