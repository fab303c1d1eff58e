"""What the picture shows at one moment, out of what the instances say. No socket, no greenlet; the clock is given."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from actorkit.console.plan import BROKER, Actor, GraphPlan, Line
from actorkit.console.rates import Rates

#: How the console finds an instance.
READY: Final = "ready"
NOT_READY: Final = "not-ready"
GONE: Final = "gone"


class Peers(msgspec.Struct, frozen=True):
    """A connection, as `/graph` tells of it."""

    destination: str = ""
    inbox: str = ""
    sent: int = 0
    in_flight: int = 0
    waiting: int = 0
    oldest_waiting_s: float = 0.0


class Told(msgspec.Struct, frozen=True):
    """What the console takes from an instance's `/graph`, and from the `/scale` of a broker."""

    instance: str = ""
    not_ready: str = ""
    in_work: int = 0
    failed: dict[str, int] = {}
    outboxes: dict[str, tuple[Peers, ...]] = {}
    scale: dict[str, int] = {}


#: actor → `host:port` of each instance → what it says, None where it does not answer.
Answers = Mapping[str, Mapping[str, Told | None]]


class View:
    """Follows one graph: what was seen before makes the rates, and the names of instances that are gone."""

    def __init__(self, plan: GraphPlan) -> None:
        self._plan = plan
        self._rates = Rates()
        self._names: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<View of {self._plan.topology}: {self._rates}>"

    def state(self, now: float, answers: Answers, letters: Mapping[str, int]) -> dict[str, Any]:
        """The numbers of each actor, by name, and of each line, in the order of the plan. `letters`: how many dead
        letters an actor has."""
        counters = set[Hashable]()
        actors = {
            actor.name: self._actor(actor, now, answers.get(actor.name, {}), letters, counters)
            for actor in self._plan.actors
        }
        lines = [self._line(line, now, answers, counters) for line in self._plan.lines]
        self._rates.keep(counters)
        return {"actors": actors, "lines": lines}

    def _actor(
        self,
        actor: Actor,
        now: float,
        found: Mapping[str, Told | None],
        letters: Mapping[str, int],
        counters: set[Hashable],
    ) -> dict[str, Any]:
        rows = [self._instance(address, told) for address, told in found.items()]
        missing = actor.replicas - len(rows)
        rows += [{"name": "", "address": "", "state": GONE, "why": "is not there"} for _ in range(missing)]
        failing = 0.0
        for address, told in found.items():
            if told is not None:
                counters.add((address, "failed"))
                failing += self._rates.take((address, "failed"), now, sum(told.failed.values()))
        return {
            "instances": rows,
            "ready": sum(row["state"] == READY for row in rows),
            "in_work": sum(told.in_work for told in found.values() if told),
            "failing": round(failing, 3),
            "letters": letters.get(actor.name, 0),
        }

    def _instance(self, address: str, told: Told | None) -> dict[str, Any]:
        if told is None:
            name = self._names.get(address, "")
            return {"name": name, "address": address, "state": GONE, "why": "does not answer"}
        self._names[address] = told.instance
        state = NOT_READY if told.not_ready else READY
        return {"name": told.instance, "address": address, "state": state, "why": told.not_ready}

    def _line(self, line: Line, now: float, answers: Answers, counters: set[Hashable]) -> dict[str, Any] | None:
        """The numbers of a line; None where nobody tells of it."""
        if line.style == BROKER:
            return _requests(line, answers)
        found = list(_connections(line, answers))
        if not found:
            return None
        rate = 0.0
        for address, peers in found:
            counter = (address, line.outbox, line.destination, line.inbox)
            counters.add(counter)
            rate += self._rates.take(counter, now, peers.sent)
        return {
            "rate": round(rate, 3),
            "waiting": sum(peers.waiting for _, peers in found),
            "in_flight": sum(peers.in_flight for _, peers in found),
            "oldest_s": max(peers.oldest_waiting_s for _, peers in found),
        }


def _connections(line: Line, answers: Answers) -> Iterator[tuple[str, Peers]]:
    """What each instance of a line's source says of it."""
    for address, told in answers.get(line.source, {}).items():
        of_outbox: Sequence[Peers] = told.outboxes.get(line.outbox, ()) if told else ()
        for peers in of_outbox:
            if (peers.destination, peers.inbox) == (line.destination, line.inbox):
                yield address, peers


def _requests(line: Line, answers: Answers) -> dict[str, Any] | None:
    """What waits at the brokers for a line's service."""
    told = [one for one in answers.get(line.destination, {}).values() if one is not None]
    if not told or not line.service:
        return None
    return {"waiting": sum(one.scale.get(line.service, 0) for one in told)}
