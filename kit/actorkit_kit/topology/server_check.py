"""Checks of the servers beside the graph, brokers first of all: who may reach them, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping

from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.model import BOX, DATA_DIR, LISTENING, Node, Topology, is_data


def missing_broker(topology: Topology, classes: Mapping[str, ActorClass]) -> Location | None:
    """Where the first actor stands that needs a broker, when the topology says nothing about one; else None."""
    if any(node.kind == "broker" for node in topology.actors.values()):
        return None
    users = (
        node.location
        for name, node in topology.actors.items()
        if name in classes and classes[name].needs_broker(node.params)
    )
    return next(users, None)


def sends_letters(topology: Topology, name: str) -> bool:
    """Whether events can fail in an actor that no connection of its outbox `error` takes."""
    if topology.actors[name].kind != "actor":
        return False
    receives = any(edge.destination == name for edge in topology.connections)
    return receives and not any(edge.source == name and edge.outbox == "error" for edge in topology.connections)


def can_have_letters(topology: Topology) -> bool:
    """Whether there can be dead letters."""
    return any(sends_letters(topology, name) for name in topology.actors)


def check(findings: Findings, on_networks: Findings, topology: Topology, classes: Mapping[str, ActorClass]) -> None:
    """Note what cannot work, and what must not happen where other machines are near."""
    _check_keys(findings, on_networks, topology)
    for node in [node for node in topology.actors.values() if node.kind == BOX][1:]:
        findings.add(node.location, f'"{node.name}" is a second dead-letter box. A topology has one: remove this.')
    for name, node in topology.actors.items():
        if node.replicas > 1 and node.kind == "registration":
            message = f'"{name}" has one instance. For another, add an actor that uses: mdp-registration-service.'
            findings.add((*node.location, "replicas"), message)
        elif node.replicas > 1 and name in classes and classes[name].keeps:
            findings.add(
                (*node.location, "replicas"), f'"{name}" has one instance: what it keeps is its own. Remove this.'
            )
        for parameter, default in classes[name].keeps.items() if name in classes else ():
            given = node.params.get(parameter, default)
            if not (isinstance(given, str) and is_data(given)):
                message = f"{given!r} cannot be kept: a container has a volume at {DATA_DIR}. Write a folder in there."
                findings.add((*node.location, "params", parameter), message)


def _check_keys(findings: Findings, on_networks: Findings, topology: Topology) -> None:
    """See that the topology says who may connect: those with its keys, or everybody. It says so once, for all of it."""
    if topology.keys and topology.clear:
        findings.add(("clear",), "edges and brokers have keys: and are in the clear. Remove one of the two.", key=True)
    if topology.keys or topology.clear:
        return
    servers = [node for node in topology.actors.values() if node.kind in LISTENING and not _says_itself(node)]
    public = [node for node in servers if any(exposure.public for exposure in node.expose)]
    for node in public:
        findings.add(node.location, _in_the_clear(f'"{node.name}"', "has"), key=True)
    if public:
        return
    if topology.connections:
        on_networks.add(("connections",), _in_the_clear("edges and brokers" if servers else "edges", "have"), key=True)
    elif servers:
        on_networks.add(servers[0].location, _in_the_clear(f'"{servers[0].name}"', "has"), key=True)


def _says_itself(node: Node) -> bool:
    """Whether a server's own parameters say who may connect."""
    return bool(node.params.get("keys") or node.params.get("clear") is True)


def _in_the_clear(what: str, have: str) -> str:
    keys = "Add keys: {secret: topology-keys} (kit keys makes them), or say that it may be so: clear: true."
    return f"{what} can be reached from other machines and {have} no keys. {keys}"
