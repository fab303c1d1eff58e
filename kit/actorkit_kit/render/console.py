"""What the console of a deployment reads: the graph, and by which names instances are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actorkit_kit.plan.model import ADMIN_PORT, FILES_DIR, Plan, Unit
from actorkit_kit.plan.picture import picture
from actorkit_kit.topology.model import BOX

#: What runs it, and its port inside of its container.
CLASS: Final = "actorkit.process.console:Console"
PORT: Final = 9601
#: Where it reads its plan, inside of its container.
PLAN: Final = f"{FILES_DIR}/plan.json"


def plan_file(plan: Plan, host_of: Callable[[str], str]) -> bytes:
    """The plan for a console in a network where `host_of(unit)` is a name that lists every replica."""
    box = next((unit.name for unit in plan.of_kind(BOX)), "")

    def admin(unit: Unit) -> list[str]:
        return [f"{host_of(unit.name)}:{ADMIN_PORT}"]

    return picture(plan, admin, lambda unit: box if unit.has_dead_letters else "")


def image(plan: Plan) -> str:
    """The image that it runs: every one holds the runtime; one without an author's code changes less often."""
    return min(plan.units, key=lambda unit: (unit.image.build is not None, unit.image.extra != "")).image.tag
