"""The place in the graph of what is no actor: a broker, a registration service."""

from __future__ import annotations

from typing import Any

import msgspec

from actorkit import params
from actorkit.mdp.server import Server
from actorkit.settings import Settings


def graph_of(settings: Settings, cls: type[msgspec.Struct], served: Server) -> dict[str, Any]:
    """The instance, its parameters without secrets, and who is there. Any thread may ask."""
    return {
        "topology": settings.topology,
        "actor": settings.actor,
        "instance": settings.instance,
        "class": settings.class_path,
        "parameters": params.without_secrets(cls, settings.params),
        "not_ready": served.unready(),
        **served.members(),
    }
