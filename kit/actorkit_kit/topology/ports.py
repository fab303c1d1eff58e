"""Which port an exposure means."""

from __future__ import annotations

from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.topology.model import Exposure, Node


def port_parameter(exposure: Exposure, actor_class: ActorClass) -> str | None:
    """The parameter that holds the port of an exposure: of that name, or the only one that there is."""
    for name in (exposure.name, f"{exposure.name}_port"):
        if name in actor_class.listens:
            return name
    return next(iter(actor_class.listens)) if len(actor_class.listens) == 1 else None


def container_port(node: Node, actor_class: ActorClass, parameter: str) -> int:
    """The port that an actor listens on inside its container."""
    given = node.params.get(parameter)
    return given if isinstance(given, int) else actor_class.listens[parameter]
