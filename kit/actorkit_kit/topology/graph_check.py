"""Checks of the graph: what is connected to what, and whether that can work."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Final

from actorkit.graph import DEAD_LETTERS, RESERVED, Connection
from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.topology import order
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.model import Exposure, Node, Topology
from actorkit_kit.topology.ports import port_parameter

#: Actors of a circle that a message names.
MOST_NAMES: Final = 10


def check(
    findings: Findings,
    topology: Topology,
    classes: Mapping[str, ActorClass],
    connections: Mapping[Connection, Location],
) -> None:
    """Note what cannot work. An actor whose class is not known is given the benefit of the doubt."""
    for connection, location in connections.items():
        if _touches_server(findings, location, connection, topology):
            continue
        _inbox(findings, location, connection, classes.get(connection.destination))
        _outbox(findings, location, connection, classes.get(connection.source))
    _reach(findings, topology, classes)
    for name, actor_class in classes.items():
        for exposure in topology.actors[name].expose:
            _exposure(findings, topology.actors[name], exposure, actor_class)


def _touches_server(findings: Findings, location: Location, connection: Connection, topology: Topology) -> bool:
    """Whether an end of a connection is a server beside the graph, which is noted."""
    for name in (connection.source, connection.destination):
        node = topology.actors.get(name)
        if node is not None and node.kind != "actor":
            message = f'"{name}" stands beside the graph: no event goes to it or comes from it. Remove "{connection}".'
            findings.add(location, message)
            return True
    return False


def _inbox(findings: Findings, location: Location, connection: Connection, actor_class: ActorClass | None) -> None:
    if actor_class is not None and not actor_class.consumes and actor_class.produces:
        name = connection.destination
        findings.add(location, f'"{name}" takes no events: it is a source. Remove "{connection}".')


def _outbox(findings: Findings, location: Location, connection: Connection, actor_class: ActorClass | None) -> None:
    if connection.outbox == DEAD_LETTERS:
        message = f'the outbox "{DEAD_LETTERS}" leads to the dead-letter box. For what fails, connect'
        findings.add(location, f'{message} "{connection.source}.error"; else choose another name.')
    if actor_class is None or connection.outbox == connection.destination:
        return
    known = (*RESERVED, *actor_class.outboxes)
    near = difflib.get_close_matches(connection.outbox, known, n=1, cutoff=0.8)
    if near and near[0] != connection.outbox:
        source = connection.source
        findings.add(location, f'"{source}" has no outbox "{connection.outbox}". Did you mean "{source}.{near[0]}"?')


def check_named_outboxes(findings: Findings, topology: Topology, named: Mapping[str, Mapping[Location, str]]) -> None:
    """Note the outboxes that parameters name and nobody has connected; `named`: actor → location → outbox."""
    for name, outboxes in named.items():
        connected = sorted({one.outbox for one in topology.connections if one.source == name})
        for location, outbox in outboxes.items():
            if outbox not in connected:
                near = difflib.get_close_matches(outbox, connected, n=1)
                there = f"Connected are: {', '.join(connected)}." if connected else "None is connected."
                hint = f'Did you mean "{near[0]}"?' if near else f"Connect it: {name}.{outbox} -> …. {there}"
                findings.add(location, f'"{name}" has no outbox "{outbox}" that leads anywhere. {hint}')


def _reach(findings: Findings, topology: Topology, classes: Mapping[str, ActorClass]) -> None:
    """Note the actors that no event can reach. An actor that only such actors lead to is not noted: it follows."""
    graph: dict[str, list[str]] = {name: [] for name, node in topology.actors.items() if node.kind == "actor"}
    for connection in topology.connections:
        if connection.source in graph and connection.destination in graph:
            graph[connection.source].append(connection.destination)
    doubtful = {edge.destination for edge in topology.connections if edge.source not in graph}
    starts = [name for name in graph if name not in classes or classes[name].begins or name in doubtful]
    lost = set(graph) - order.reachable(graph, starts)
    lost_graph = {name: [other for other in graph[name] if other in lost] for name in graph if name in lost}
    component_of = {name: n for n, members in enumerate(order.components(lost_graph)) for name in members}
    members_of: dict[int, list[str]] = {}
    for name in lost_graph:
        members_of.setdefault(component_of[name], []).append(name)
    edges = [(name, other) for name, others in lost_graph.items() for other in others]
    entered = {component_of[other] for name, other in edges if component_of[name] != component_of[other]}
    for component, (first, *others) in members_of.items():
        if component in entered:
            continue
        if others:
            message = f'no event ever reaches "{first}": it is only in a circle with {_some(others)}.'
            findings.add(("actors", first), f"{message} Connect a source to it.", key=True)
        else:
            message = f'nothing is connected to "{first}". Connect something to it, or remove it.'
            findings.add(("actors", first), message, key=True)


def _some(names: Sequence[str]) -> str:
    """Names in quotes, the first of them when there are many."""
    shown = ", ".join(f'"{name}"' for name in names[:MOST_NAMES])
    left = len(names) - MOST_NAMES
    return f"{shown} and {left} more" if left > 0 else shown


def _exposure(findings: Findings, node: Node, exposure: Exposure, actor_class: ActorClass) -> None:
    name, location = node.name, (*node.location, "expose", exposure.name)
    if not actor_class.listens:
        findings.add(location, f'"{name}" listens on no port of its own. Remove expose:.', key=True)
    elif port_parameter(exposure, actor_class) is None:
        ports = ", ".join(sorted(actor_class.listens))
        findings.add(location, f'"{name}" listens on no "{exposure.name}". It listens on: {ports}.', key=True)
