"""What is wanted of a deployment, as `docker compose` reads its folder: overrides and `.env` included."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from actorkit_kit.deploy.replicas import ACTOR_LABEL, TOPOLOGY_LABEL

#: Runs `docker compose` with arguments and returns what it printed.
Compose = Callable[..., str]


@dataclass(frozen=True)
class Service:
    """A service of the compose file.

    `digest` is the hash that compose gives its settings. `actor` is False for what stands beside the topology
    (Prometheus). `networks` are those that it is in, as the engine calls them, `outside` those that lead out of the
    deployment. `alone`: two instances must not run at a
    time, for they would write the same files. `after` are the services that it waits for.
    """

    name: str
    image: str
    digest: str
    replicas: int
    actor: bool
    published: tuple[Mapping[str, Any], ...]
    networks: frozenset[str]
    outside: frozenset[str]
    alone: bool
    secrets: frozenset[str]
    after: tuple[str, ...]
    #: The user's own, from an override: compose starts it, and nobody else looks after it.
    foreign: bool = False


def read_services(compose: Compose) -> dict[str, Service]:
    """The services by name.

    Raises:
        KitError: compose cannot read the folder.
    """
    document = json.loads(compose("config", "--format", "json"))
    digests = dict(line.split() for line in compose("config", "--hash", "*").splitlines() if line.strip())
    networks = {key: network or {} for key, network in document.get("networks", {}).items()}
    return {
        name: _service(name, found, digests.get(name, ""), networks) for name, found in document["services"].items()
    }


def _service(name: str, found: Mapping[str, Any], digest: str, networks: Mapping[str, Any]) -> Service:
    keeps = [mount for mount in found.get("volumes") or () if mount.get("type") == "volume"]
    joined = [networks.get(key, {"name": key}) for key in found.get("networks") or ()]
    outside = frozenset(network["name"] for network in joined if not network.get("internal"))
    published = tuple(found.get("ports") or ())
    return Service(
        name=name,
        image=found.get("image", ""),
        digest=digest,
        replicas=int((found.get("deploy") or {}).get("replicas", found.get("scale", 1))),
        actor=ACTOR_LABEL in (found.get("labels") or {}),
        published=published,
        networks=frozenset(network["name"] for network in joined),
        outside=outside,
        # Ports are bound where the first way out is joined. With another one, an instance cannot start without them.
        alone=bool(keeps) or (bool(published) and len(outside) > 1),
        secrets=frozenset(secret["source"] for secret in found.get("secrets") or ()),
        after=tuple(sorted(found.get("depends_on") or ())),
        foreign=TOPOLOGY_LABEL not in (found.get("labels") or {}),
    )


def starting_order(services: Mapping[str, Service]) -> list[str]:
    """The services, each after those that it waits for; where they wait in a circle, one of them goes first.

    Chains are as long as users write them, so nothing here recurses. (`graphlib` has no order for a circle.)
    """
    seen: set[str] = set()
    ordered: list[str] = []
    # The last is the next one. A service is met twice: before those that it waits for, and after them.
    waiting = [(name, False) for name in sorted(services, reverse=True)]
    while waiting:
        name, done = waiting.pop()
        if done:
            ordered.append(name)
        elif name in services and name not in seen:
            seen.add(name)
            waiting.append((name, True))
            waiting.extend((other, False) for other in reversed(services[name].after))
    return ordered
