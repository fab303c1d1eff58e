"""Loading: from what stands on the command line to a plan; what every target begins with."""

from __future__ import annotations

from actorkit_kit.plan.model import Plan
from actorkit_kit.plan.planner import make_plan
from actorkit_kit.topology.load import load_checked


def load_plan(reference: str, target: str = "", *, network: bool | None = None) -> Plan:
    """The plan of a topology, with the values of a target. `network`: whether other machines may be in between;
    None: as in the target.

    Raises:
        InvalidTopology: the topology has mistakes; all of them are in it.
        UsageError: there is none.
    """
    return make_plan(load_checked(reference, target, network=network))
