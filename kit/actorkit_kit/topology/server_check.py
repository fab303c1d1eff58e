"""Checks of the servers beside the graph, brokers first of all: who may reach them, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.topology.document import Location
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.model import Node, Topology

#: Kinds that listen for whoever connects.
_LISTENING: Final = ("broker", "registration")


def missing_broker(topology: Topology, classes: Mapping[str, ActorClass]) -> Location | None:
    """Where the first actor stands that needs a broker, when the topology says nothing about one; else None."""
    if any(node.kind == "broker" for node in topology.actors.values()):
        return None
    users = (node.location for name, node in topology.actors.items() if name in classes and classes[name].uses_broker)
    return next(users, None)


def check(findings: Findings, on_networks: Findings, topology: Topology, classes: Mapping[str, ActorClass]) -> None:
    """Note what cannot work, and what must not happen where other machines are near."""
    for name, node in topology.actors.items():
        if node.kind in _LISTENING and not _is_settled(topology, node):
            public = any(exposure.public for exposure in node.expose)
            _in_the_clear(findings if public else on_networks, node)
        if node.replicas > 1 and node.kind == "registration":
            message = f'"{name}" has one instance. For another, add an actor that uses: mdp-registration-service.'
            findings.add((*node.location, "replicas"), message)
        elif node.replicas > 1 and name in classes and classes[name].keeps:
            findings.add(
                (*node.location, "replicas"), f'"{name}" has one instance: what it keeps is its own. Remove this.'
            )


def _is_settled(topology: Topology, node: Node) -> bool:
    """Whether the topology says who may connect: whoever has its keys, or everybody."""
    return bool(topology.keys or node.params.get("keys") or node.params.get("clear") is True)


def _in_the_clear(findings: Findings, node: Node) -> None:
    what = f'"{node.name}" can be reached from other machines and has no keys'
    keys = "Add keys: {secret: topology-keys} (kit keys makes them)"
    if node.location == (node.kind,):
        findings.add(
            node.location, f"{what}. {keys}, or say that it may be so: {node.kind}: {{clear: true}}.", key=True
        )
    elif node.location[-1] == node.name:
        findings.add(node.location, f"{what}. {keys}, or say that it may be so: params: {{clear: true}}.", key=True)
    else:
        user = node.location[-1]
        what = f'"{user}" needs a broker, which can be reached from other machines and has no keys'
        findings.add(node.location, f"{what}. {keys}, or say that it may be so: broker: {{clear: true}}.", key=True)
