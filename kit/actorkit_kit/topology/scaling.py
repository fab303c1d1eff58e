"""The key `scale` of an actor: how many instances Kubernetes runs, and by what. Elsewhere there are `replicas`."""

from __future__ import annotations

from collections.abc import Mapping

from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.topology import shape
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.model import Node, Scale, Topology
from actorkit_kit.topology.section import Section


def read(actor: Section) -> Scale | None:
    """What an actor's `scale` says, None where it says nothing or cannot be read; mistakes are noted."""
    if shape.SCALE not in actor:
        return None
    section = actor.section(shape.SCALE)
    section.check_keys(shape.IN_SCALE)
    found = Scale(
        section.value(shape.MIN),
        section.value(shape.MAX),
        section.value(shape.WAITING),
        section.value(shape.CPU_PERCENT),
    )
    if (shape.WAITING in section) == (shape.CPU_PERCENT in section):
        message = (
            "give waiting: or cpu:, one of them: by the work that waits, as waiting: 100, or by the load, as cpu: 70."
        )
        section.findings.add(section.location, message)
    if found.most and found.least > found.most:
        section.add("min", f"{found.least} is more than max, {found.most}. Write a smaller number.")
    if found.least == 0 and found.cpu:
        section.add("min", "without an instance there is no load to look at. Write 1 or more, or scale by waiting:.")
    replicas = actor.value(shape.REPLICAS)
    if shape.REPLICAS in actor and found.most and not found.least <= replicas <= found.most:
        actor.add(
            "replicas", f"{replicas} is not from {found.least} to {found.most}, as scale says. Correct one of them."
        )
    return found if found.most else None


def services(node: Node, actor_class: ActorClass | None) -> tuple[str, ...]:
    """The services that an actor answers for at the brokers."""
    if actor_class is None or not actor_class.serves:
        return ()
    several = node.params.get("services")
    given = [node.params.get("service"), *(several if isinstance(several, list | tuple) else ())]
    return tuple(dict.fromkeys(name for name in given if isinstance(name, str) and name))


def check(findings: Findings, topology: Topology, classes: Mapping[str, ActorClass]) -> None:
    """Note what cannot be scaled: what keeps files, and what nothing waits for."""
    for node in topology.actors.values():
        if node.scale is None:
            continue
        location = (*node.location, shape.SCALE.name)
        actor_class = classes.get(node.name)
        if actor_class is not None and actor_class.keeps:
            message = f'"{node.name}" keeps files, and an instance that goes would leave them behind. Write replicas:.'
            findings.add(location, message, key=True)
        sent_to = any(edge.destination == node.name for edge in topology.connections)
        if node.scale.waiting and actor_class is not None and not sent_to and not services(node, actor_class):
            message = f'nobody sends to "{node.name}", so no work waits for it. Scale it by its load: cpu: 70.'
            findings.add(location, message, key=True)
