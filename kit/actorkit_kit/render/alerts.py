"""Alerting rules for a plan: how many replicas there should be, and what should not happen to events and requests.

A replica that has stopped leaves the DNS, and its `up` goes with it. So rules count what is there against the plan.
What the rules ask and tell stands in `compose/prometheus/alerts.toml`; each has a page in docs/runbooks, which its
`runbook_url` names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Final

from actorkit_kit import assets
from actorkit_kit.plan.model import Plan, Unit
from actorkit_kit.render.monitored import NAMESPACE, RELEASE, matcher
from actorkit_kit.render.yamltext import Quoted

#: The folder of the pages, in the repository of actorkit.
RUNBOOKS: Final = "docs/runbooks"


def rules(
    plan: Plan, replicas: Callable[[Unit], object] = attrgetter("replicas"), *, release: bool = False
) -> dict[str, Any]:
    """The content of a file of rules; the same as the `spec` of a PrometheusRule. `replicas` tells how many instances
    there should be of a unit, or a text that the target replaces. With `release` they look at one release alone."""
    alerts = tomllib.loads((assets.asset("compose") / "prometheus" / "alerts.toml").read_text(encoding="utf-8"))
    made = [rule for alert in alerts["alert"] for rule in _rules(alert, plan, replicas, release)]
    return {"groups": [{"name": f"actorkit-{plan.topology}", "rules": made}]}


def _rules(
    alert: dict[str, str], plan: Plan, replicas: Callable[[Unit], object], release: bool
) -> Iterator[dict[str, Any]]:
    """The rules that an alert becomes in a plan."""
    if alert["for_each"] == "actor":
        for unit in sorted(plan.units, key=lambda unit: unit.name):
            yield _rule(alert, plan, release, unit.name, replicas(unit))
    elif alert["for_each"] in ("topology", *(unit.kind for unit in plan.units)):
        yield _rule(alert, plan, release)


def _rule(alert: dict[str, str], plan: Plan, release: bool, actor: str = "", replicas: object = 0) -> dict[str, Any]:
    """One rule as Prometheus reads it."""
    topology, here = plan.topology, matcher(plan, release=release)
    present = f', destination!~"{"|".join(plan.absent)}"' if plan.absent else ""

    def text(key: str) -> Quoted:
        filled = alert[key].replace("@here", here).replace("@topology", topology).replace("@actor", actor)
        filled = filled.replace("@present", present)
        return Quoted(filled.replace("@replicas", str(replicas)))

    labels = {"actor": Quoted(actor), "topology": Quoted(topology)} if actor else {}
    labels |= {"namespace": Quoted(NAMESPACE), "release": Quoted(RELEASE)} if release else {}
    return {
        "alert": alert["name"],
        "expr": text("expr"),
        "for": alert["for"],
        "labels": {**labels, "severity": alert["severity"]},
        "annotations": {
            "summary": text("summary"),
            "description": text("description"),
            "runbook_url": Quoted(f"{RUNBOOKS}/{alert['page']}.md"),
        },
    }
