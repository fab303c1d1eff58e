"""Checks of the graph: what is connected to what, and whether that can work."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from actorkit.graph import RESERVED, Connection
from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.topology import order
from actorkit_kit.topology.document import Path
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.model import Exposure, Node, Topology
from actorkit_kit.topology.ports import port_parameter


def check(
    findings: Findings,
    topology: Topology,
    classes: Mapping[str, ActorClass],
    connections: Mapping[Connection, Path],
) -> None:
    """Note what cannot work. An actor whose class is not known is given the benefit of the doubt."""
    for connection, path in connections.items():
        if _beside(findings, path, connection, topology):
            continue
        _inbox(findings, path, connection, classes.get(connection.destination))
        _outbox(findings, path, connection, classes.get(connection.source))
    _reach(findings, topology, classes)
    for name, actor_class in classes.items():
        for exposure in topology.actors[name].expose:
            _exposure(findings, topology.actors[name], exposure, actor_class)


def _beside(findings: Findings, path: Path, connection: Connection, topology: Topology) -> bool:
    """Whether an end of a connection stands beside the graph, which is noted."""
    for name in (connection.source, connection.destination):
        node = topology.actors.get(name)
        if node is not None and node.kind != "actor":
            message = f'"{name}" stands beside the graph: no event goes to it or comes from it. Remove "{connection}".'
            findings.add(path, message)
            return True
    return False


def _inbox(findings: Findings, path: Path, connection: Connection, actor_class: ActorClass | None) -> None:
    if actor_class is not None and not actor_class.consumes:
        name = connection.destination
        findings.add(path, f'"{name}" takes no events: it is a source. Remove "{connection}".')


def _outbox(findings: Findings, path: Path, connection: Connection, actor_class: ActorClass | None) -> None:
    if actor_class is None or connection.outbox == connection.destination:
        return
    known = (*RESERVED, *actor_class.outboxes)
    near = difflib.get_close_matches(connection.outbox, known, n=1, cutoff=0.8)
    if near and near[0] != connection.outbox:
        source = connection.source
        findings.add(path, f'"{source}" has no outbox "{connection.outbox}". Did you mean "{source}.{near[0]}"?')


def _reach(findings: Findings, topology: Topology, classes: Mapping[str, ActorClass]) -> None:
    graph: dict[str, list[str]] = {name: [] for name, node in topology.actors.items() if node.kind == "actor"}
    for connection in topology.connections:
        if connection.source in graph and connection.destination in graph:
            graph[connection.source].append(connection.destination)
    doubtful = {edge.destination for edge in topology.connections if edge.source not in graph}
    starts = [name for name in graph if name not in classes or classes[name].begins or name in doubtful]
    lost = set(graph) - order.reached(graph, starts)
    lost_graph = {name: [other for other in graph[name] if other in lost] for name in graph if name in lost}
    reached_inside = {other for name in lost_graph for other in lost_graph[name] if other != name}
    for component in order.components(lost_graph):
        first = min(component, key=list(topology.actors).index)
        if len(component) > 1 and not _led_to(lost_graph, component):
            others = ", ".join(f'"{name}"' for name in component if name != first)
            message = f'no event ever reaches "{first}": it is only in a circle with {others}. Connect a source to it.'
            findings.add(("actors", first), message, key=True)
        elif len(component) == 1 and first not in reached_inside:
            message = f'nothing is connected to "{first}". Connect something to it, or remove it.'
            findings.add(("actors", first), message, key=True)


def _led_to(graph: Mapping[str, list[str]], component: tuple[str, ...]) -> bool:
    return any(other in component for name, others in graph.items() if name not in component for other in others)


def _exposure(findings: Findings, node: Node, exposure: Exposure, actor_class: ActorClass) -> None:
    name, path = node.name, (*node.path, "expose", exposure.name)
    if not actor_class.listens:
        findings.add(path, f'"{name}" listens on no port of its own. Remove expose:.', key=True)
    elif port_parameter(exposure, actor_class) is None:
        ports = ", ".join(sorted(actor_class.listens))
        findings.add(path, f'"{name}" listens on no "{exposure.name}". It listens on: {ports}.', key=True)
