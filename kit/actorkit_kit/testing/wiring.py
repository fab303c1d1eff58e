"""The places in a graph that expectations look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from actorkit.graph import RESERVED, Box
from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.plan.model import Plan
from actorkit_kit.topology.case import Expectation

#: The outbox at which an actor is heard that leads nowhere.
OPEN: Final = "kit-recorder"


@dataclass(frozen=True)
class Wiring:
    """The graph of a plan, and what is known of its actors' classes."""

    plan: Plan
    classes: Mapping[str, ActorClass]

    def declared_outboxes(self, actor: str) -> tuple[str, ...]:
        """The outboxes that an actor's class declares: they get only what is sent to them by name."""
        known = self.classes.get(actor)
        return known.outboxes if known is not None else ()

    def outboxes(self, expectation: Expectation) -> list[Box]:
        """The outboxes whose events an expectation is about; none where it is about what was put."""
        box = expectation.box
        if box is None:
            return []
        if expectation.side == "at":
            edges = [edge for unit in self.plan.units for edge in unit.edges if edge.destination == box.actor]
            found = [Box(edge.source, edge.outbox) for edge in edges if box.box in (None, edge.inbox)]
            return list(dict.fromkeys(found))
        return [box] if box.box else self._plain_outboxes(box.actor)

    def _plain_outboxes(self, actor: str) -> list[Box]:
        """The outboxes that get what is sent to none by name."""
        apart = (*RESERVED, *self.declared_outboxes(actor))
        names = [edge.outbox for edge in self.plan.unit(actor).edges if edge.outbox not in apart]
        return [Box(actor, name) for name in dict.fromkeys(names or [OPEN])]
