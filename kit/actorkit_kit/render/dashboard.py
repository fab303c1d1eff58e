"""The dashboard of a plan for Grafana: how its actors are, its events, the work that waits, and its servers.

What the panels ask stands in `compose/grafana/dashboard.toml`.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from actorkit_kit import assets
from actorkit_kit.plan.model import Plan
from actorkit_kit.render.monitored import NAMESPACE, RELEASE, matcher

#: The name, in provisioned files, of the Prometheus that is asked at first.
SOURCE: Final = "prometheus"
#: Version of Grafana's model that this is; every Grafana since 9 takes it.
_SCHEMA: Final = 36
#: Columns of a dashboard, and width and height of a panel in them.
_COLUMNS: Final = 24
_WIDTH, _HEIGHT = 8, 8


def dashboard(plan: Plan, *, release: bool = False) -> str:
    """The dashboard as JSON. With `release` its texts name what the chart replaces: namespace and release."""
    where = f" ({NAMESPACE}/{RELEASE})" if release else ""
    uid = hashlib.sha256(plan.topology.encode()).hexdigest()[:12]
    content = {
        "uid": f"actorkit-{'@uid' if release else uid}",
        "title": f"actorkit: {plan.topology}{where}",
        "tags": ["actorkit"],
        "schemaVersion": _SCHEMA,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source(), _actors(plan)]},
        "panels": list(_panels(plan, matcher(plan, release=release))),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _source() -> dict[str, Any]:
    """The choice of a Prometheus."""
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _actors(plan: Plan) -> dict[str, Any]:
    """The choice of actors: all of them at first."""
    names = sorted(unit.name for unit in plan.units)
    return {
        "name": "actor",
        "label": "Actor",
        "type": "custom",
        "query": ",".join(names),
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels(plan: Plan, here: str) -> Iterator[dict[str, Any]]:
    """Rows and panels in the order of the file, each where it stands."""
    told = tomllib.loads((assets.asset("compose") / "grafana" / "dashboard.toml").read_text(encoding="utf-8"))
    numbers, below = count(1), 0
    for row in told["row"]:
        if not _is_wanted(row, plan):
            continue
        place = {"x": 0, "y": below, "w": _COLUMNS, "h": 1}
        yield {"id": next(numbers), "type": "row", "title": row["title"], "collapsed": False, "gridPos": place}
        below += 1
        for position, panel in enumerate(row["panel"]):
            down, across = divmod(position * _WIDTH, _COLUMNS)
            place = {"x": across, "y": below + down * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            yield {"id": next(numbers), "gridPos": place, **_panel(panel, here)}
        below += -(-len(row["panel"]) * _WIDTH // _COLUMNS) * _HEIGHT


def _is_wanted(row: dict[str, Any], plan: Plan) -> bool:
    kinds, uses = {unit.kind for unit in plan.units}, {unit.uses for unit in plan.units}
    return row.get("for_each") in (None, *kinds) and row.get("uses") in (None, *uses)


def _panel(panel: dict[str, Any], here: str) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "type": "timeseries",
        "title": panel["title"],
        "description": panel.get("description", ""),
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": panel["unit"], "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": source,
                "expr": query["expr"].replace("@here", here),
                "legendFormat": query["legend"],
            }
            for number, query in enumerate(panel["queries"])
        ],
    }
