"""Which series of a Prometheus are a deployment's own."""

from __future__ import annotations

from typing import Final

from actorkit_kit.plan.model import Plan

#: What the chart writes for these two: a topology may be installed in several namespaces, and several times in one.
NAMESPACE: Final = "@namespace"
RELEASE: Final = "@release"


def matcher(plan: Plan, *, release: bool) -> str:
    """The labels of a deployment's series as PromQL writes them; with `release` those of one release on a cluster."""
    return f'topology="{plan.topology}"' + (f', namespace="{NAMESPACE}", release="{RELEASE}"' if release else "")
