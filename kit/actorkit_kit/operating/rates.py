"""How much passes, waits and fails in a deployment: a row for each actor, each edge and each service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from actorkit_kit.deployments.deployment import Deployment
from actorkit_kit.instance import ActorStatus
from actorkit_kit.operating.figures import Figures, quantile, rate


@dataclass(frozen=True)
class ActorRates:
    """An actor: events a second that came, left and failed; the work before it, and its oldest event's age as whoever
    sends to it tells; the time that 95 % of its consumes took at most."""

    actor: str
    healthy: int
    wanted: int
    health: str
    in_per_s: float
    out_per_s: float
    failed_per_s: float
    waiting: int
    oldest_waiting_s: float
    p95_s: float | None


@dataclass(frozen=True)
class EdgeRates:
    """The connections of one outbox."""

    actor: str
    outbox: str
    destinations: tuple[str, ...]
    events_per_s: float
    bytes_per_s: float
    waiting: int
    oldest_waiting_s: float
    in_flight: int
    peers: int


@dataclass(frozen=True)
class ServiceRates:
    """A service of the brokers."""

    service: str
    workers: int
    busy: int
    waiting: int
    oldest_waiting_s: float


@dataclass(frozen=True)
class Rates:
    """All of it at one moment."""

    actors: tuple[ActorRates, ...]
    edges: tuple[EdgeRates, ...]
    services: tuple[ServiceRates, ...]
    silent: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


#: What an instance told before, if anything, and what it tells now.
_Pair = tuple[Figures | None, Figures]


class Watch:
    """Reads all instances again and again; each reading tells what has happened since the last one."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float] = time.monotonic) -> None:
        self._deployment = deployment
        self._clock = clock
        self._before: dict[str, Figures] = {}

    def read(self) -> Rates:
        """Ask everybody.

        Raises:
            KitError: there is no way to them.
        """
        state = self._deployment.state()
        actor_of = {one.name: one.actor for one in state.instances}
        with self._deployment.pages() as pages:
            found = pages.get("/metrics", actor_of)
        now = {name: self._figures(page.body) for name, page in found.items() if page.status == 200}
        pairs: dict[str, list[_Pair]] = {}
        for name, figures in now.items():
            pairs.setdefault(actor_of[name], []).append((self._before.get(name), figures))
        self._before = now
        edges = [edge for actor, its in sorted(pairs.items()) for edge in _edges(actor, its)]
        return Rates(
            tuple(_actor(row, pairs.get(row.actor, []), pairs) for row in state.actors),
            tuple(edges),
            tuple(_services(one for its in pairs.values() for _, one in its)),
            tuple(sorted(actor_of.keys() - now.keys())),
        )

    def _figures(self, body: bytes) -> Figures:
        return Figures.read(body.decode(errors="replace"), self._clock())


def _actor(row: ActorStatus, its: Sequence[_Pair], everybody: Mapping[str, Sequence[_Pair]]) -> ActorRates:
    broker = any("actorkit_broker_requests_total" in now.samples for _, now in its)
    names = (
        ("actorkit_broker_requests_total", "actorkit_broker_answers_total", "actorkit_broker_errors_total")
        if broker
        else ("actorkit_events_in_total", "actorkit_events_out_total", "actorkit_events_failed_total")
    )
    took = "actorkit_broker_request_seconds" if broker else "actorkit_consume_seconds"
    in_, out, failed = (sum(rate(before, now, name) for before, now in its) for name in names)
    others = [now for pairs in everybody.values() for _, now in pairs]
    if broker:
        waiting = sum(now.total("actorkit_broker_queue_depth") for _, now in its)
        oldest = max((now.most("actorkit_broker_queue_oldest_seconds") for _, now in its), default=0.0)
    else:
        waiting = sum(now.total("actorkit_waiting", destination=row.actor) for now in others)
        oldest = max((_oldest(now, destination=row.actor) for now in others), default=0.0)
    return ActorRates(
        actor=row.actor,
        healthy=row.healthy,
        wanted=row.wanted,
        health=row.health,
        in_per_s=round(in_, 3),
        out_per_s=round(out, 3),
        failed_per_s=round(failed, 3),
        waiting=int(waiting),
        oldest_waiting_s=round(oldest, 3),
        p95_s=quantile(its, took, 0.95),
    )


def _oldest(figures: Figures, **labels: str) -> float:
    wanted = set(labels.items())
    samples = figures.samples.get("actorkit_oldest_waiting_seconds", {})
    return max((value for has, value in samples.items() if wanted <= set(has)), default=0.0)


def _edges(actor: str, its: Sequence[_Pair]) -> Iterable[EdgeRates]:
    outboxes = sorted({outbox for _, now in its for outbox in now.values_of("actorkit_waiting", "outbox")})
    for outbox in outboxes:
        now = [one for _, one in its]
        destinations = {
            value
            for one in now
            for has in one.samples["actorkit_waiting"]
            if ("outbox", outbox) in has
            for key, value in has
            if key == "destination"
        }
        yield EdgeRates(
            actor=actor,
            outbox=outbox,
            destinations=tuple(sorted(destinations)),
            events_per_s=round(sum(rate(*pair, "actorkit_events_out_total", outbox=outbox) for pair in its), 3),
            bytes_per_s=round(sum(rate(*pair, "actorkit_bytes_out_total", outbox=outbox) for pair in its), 3),
            waiting=int(sum(one.total("actorkit_waiting", outbox=outbox) for one in now)),
            oldest_waiting_s=round(max(_oldest(one, outbox=outbox) for one in now), 3),
            in_flight=int(sum(one.total("actorkit_in_flight", outbox=outbox) for one in now)),
            peers=int(sum(one.total("actorkit_peers", outbox=outbox) for one in now)),
        )


def _services(everybody: Iterable[Figures]) -> Iterable[ServiceRates]:
    brokers = [one for one in everybody if "actorkit_broker_workers" in one.samples]
    names = sorted({name for one in brokers for name in one.values_of("actorkit_broker_workers", "service")})
    for name in names:
        oldest = [one.total("actorkit_broker_queue_oldest_seconds", service=name) for one in brokers]
        yield ServiceRates(
            service=name,
            workers=int(sum(one.total("actorkit_broker_workers", service=name) for one in brokers)),
            busy=int(sum(one.total("actorkit_broker_busy_workers", service=name) for one in brokers)),
            waiting=int(sum(one.total("actorkit_broker_queue_depth", service=name) for one in brokers)),
            oldest_waiting_s=round(max(oldest, default=0.0), 3),
        )
