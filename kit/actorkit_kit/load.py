"""Loading: from what stands on the command line to a plan; what every target begins with."""

from __future__ import annotations

from actorkit_kit.plan.model import Plan
from actorkit_kit.plan.planner import make_plan
from actorkit_kit.topology.load import load_checked


def load_plan(reference: str, *, network: bool = False) -> Plan:
    """The plan of a topology. `network`: whether other machines may be in between.

    Raises:
        InvalidTopology: the topology has mistakes; all of them are in it.
        UsageError: there is none.
    """
    return make_plan(load_checked(reference, network=network))
