"""The console of a deployment: what it reads, and its service in a compose file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from actorkit_kit.plan.model import ADMIN_PORT, FILES_DIR, Plan, Unit
from actorkit_kit.plan.picture import picture
from actorkit_kit.render.observability import PIDS
from actorkit_kit.render.yamltext import Anchor, Merge, Quoted
from actorkit_kit.topology.model import BOX

#: The name of its service, of the profile that it is in, and of the config with its plan.
NAME: Final = "console"
#: Its plan in the folder.
FILE: Final = "console/plan.json"

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
    return min(plan.units, key=lambda unit: (unit.image.build is not None, unit.image.extra, unit.name)).image.tag


def service(plan: Plan, shared: Anchor) -> dict[str, Any]:
    """Its service, but for what it has in common with those of actors; `shared` are the variables that all have. It has
    no label of the topology, as it is none of its actors: it may come and go."""
    variables = {
        "ACTORKIT_ACTOR": NAME,
        "ACTORKIT_ADMIN": f"0.0.0.0:{ADMIN_PORT}",
        "ACTORKIT_CLASS": CLASS,
        "ACTORKIT_INSTANCE": NAME,
        "ACTORKIT_PARAMS": json.dumps({"plan": PLAN}),
        "ACTORKIT_TOPOLOGY": plan.topology,
    }
    return {
        "configs": [{"source": NAME, "target": PLAN}],
        "deploy": {
            "replicas": 1,
            "resources": {
                "limits": {"cpus": Quoted("1"), "memory": Quoted("128M"), "pids": PIDS},
                "reservations": {"memory": Quoted("48M")},
            },
        },
        "environment": Merge(shared, {name: Quoted(value) for name, value in variables.items()}),
        "image": Quoted(image(plan)),
        # As for an actor's files: where the plan is another one, compose replaces the container.
        "labels": {"io.actorkit.files": Quoted(plan.digest[:16])},
        "networks": ["data", "edge"],
        "ports": [
            {
                "host_ip": Quoted("127.0.0.1"),
                "protocol": "tcp",
                "published": Quoted(f"${{CONSOLE_PORT:-{PORT}}}"),
                "target": PORT,
            }
        ],
        "profiles": [NAME],
        "stop_grace_period": "10s",
    }
