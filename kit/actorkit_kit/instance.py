"""The state of one instance and of one actor, whatever runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True)
class ActorStatus:
    """What a table says about one actor; `why` is what an unhealthy replica of it says."""

    actor: str
    healthy: int
    wanted: int
    health: str
    urls: tuple[str, ...]
    why: str = ""


def actors_of(instances: Iterable[InstanceStatus], wanted: Mapping[str, int] | None = None) -> list[ActorStatus]:
    """A row for each actor of these instances, and of those that are wanted; without `wanted` as many instances are
    wanted as there are."""
    groups: dict[str, list[InstanceStatus]] = {actor: [] for actor in wanted or ()}
    for instance in instances:
        groups.setdefault(instance.actor, []).append(instance)
    return [
        _actor_status(actor, group, (wanted or {}).get(actor, len(group))) for actor, group in sorted(groups.items())
    ]


def _actor_status(actor: str, group: list[InstanceStatus], wanted: int) -> ActorStatus:
    ill = next((instance for instance in group if not instance.healthy), None)
    healthy = sum(instance.healthy for instance in group)
    health = ill.health if ill else "healthy" if healthy >= wanted else "starting"
    urls = tuple(dict.fromkeys(url for instance in group for url in instance.urls))
    return ActorStatus(actor, healthy, wanted, health, urls, ill.why if ill else "")
