"""A box of a deployment that runs, as a person names it: `place`, `place.to-ack`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from actorkit_kit.deployments.deployment import Deployment
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.topology.findings import suggest


@dataclass(frozen=True)
class Instance:
    """An instance that tells its place in the graph."""

    name: str
    actor: str
    graph: Mapping[str, Any]

    @property
    def inboxes(self) -> list[str]:
        """The inboxes that somebody sends to."""
        return sorted(self.graph.get("inboxes", ()))

    @property
    def outboxes(self) -> list[str]:
        return sorted(self.graph.get("outboxes", ()))

    @property
    def answers(self) -> bool:
        """Whether all that comes in are answers to what began there."""
        return bool(self.graph.get("answers"))


@dataclass(frozen=True)
class Box:
    """The instances of an actor, and one of its boxes; both "" for all that comes in."""

    actor: str
    instances: tuple[Instance, ...]
    inbox: str = ""
    outbox: str = ""


def look_around(deployment: Deployment) -> list[Instance]:
    """All instances that answer.

    Raises:
        KitError: none does.
    """
    names = [one.name for one in deployment.state().instances]
    with deployment.pages() as pages:
        found = pages.get("/graph", names)
    told = [(name, _read(page.body)) for name, page in found.items() if page.status == 200]
    instances = [Instance(name, str(graph["actor"]), graph) for name, graph in told if "actor" in graph]
    if not instances:
        raise KitError(f'no instance of "{deployment.name}" answers. See: kit status {deployment.name}')
    return sorted(instances, key=lambda one: one.name)


def attend(deployment: Deployment, instances: Sequence[Instance]) -> None:
    """Have all instances record what an operator puts in: they do as long as somebody looks."""
    with deployment.pages() as pages:
        pages.get("/recent", [one.name for one in instances])


def find_box(instances: Sequence[Instance], reference: str, deployment: str) -> Box:
    """The box that a text names: an actor, or an actor, a dot and one of its boxes. Where an inbox and an outbox have
    the name, the outbox is meant.

    Raises:
        UsageError: there is none.
    """
    actors = {one.actor for one in instances}
    actor, _, box = reference.partition(".")
    if actor not in actors:
        raise UsageError(f'"{deployment}" has no actor "{actor}" that runs. {suggest(actor, sorted(actors))}')
    its = tuple(one for one in instances if one.actor == actor)
    if not box:
        return Box(actor, its)
    outboxes = {name for one in its for name in one.outboxes}
    inboxes = {name for one in its for name in one.inboxes}
    if box in outboxes:
        return Box(actor, its, outbox=box)
    if box in inboxes:
        return Box(actor, its, inbox=box)
    there = [f"inboxes {', '.join(sorted(inboxes))}"] if inboxes else []
    there += [f"outboxes {', '.join(sorted(outboxes))}"] if outboxes else []
    raise UsageError(f'"{actor}" has no box "{box}". It has {" and ".join(there) or "none"}.')


def _read(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
