"""Images as a registry has them, for verbs that push nothing."""

from __future__ import annotations

from actorkit_kit.console import note
from actorkit_kit.image.build import recipes
from actorkit_kit.image.push import check_registry, in_registry
from actorkit_kit.plan.model import Plan


def named_in_registry(plan: Plan, registry: str) -> Plan:
    """The plan with its images in a registry, as far as `kit push` has pushed them from here; in itself where none is
    named. A note tells of each that is named by its tag.

    Raises:
        UsageError: it is no registry.
    """
    if not registry:
        return plan
    plan, unknown = in_registry(plan, recipes(plan), check_registry(registry))
    for name in unknown:
        note(f"kit: {name} is named by its tag: it was not pushed from here as it is now. kit push tells its digest.")
    return plan
