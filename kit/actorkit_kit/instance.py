"""The state of one instance, whatever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

#: What a broker is by its class.
BROKER_CLASS: Final = "actorkit.mdp.broker:Broker"


@dataclass(frozen=True)
class InstanceStatus:
    """`name` is the one that the instance has in logs, metrics and dead letters: `execute-2`. `health` is a word, `why`
    what is wrong, "" for nothing; `restarts` is how often it was started again. `waiting` is how much work
    it knows to wait for each actor, `services` the same of a broker, by service."""

    actor: str
    name: str
    health: str
    why: str = ""
    restarts: int = 0
    urls: tuple[str, ...] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)
    services: Mapping[str, int] = field(default_factory=dict)

    def with_work(self, told: Mapping[str, int], *, is_broker: bool) -> InstanceStatus:
        """The same, with what the instance itself says of the work that waits."""
        return replace(self, services=told) if is_broker else replace(self, waiting=told)

    @property
    def healthy(self) -> bool:
        return self.health == "healthy"
