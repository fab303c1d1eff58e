"""The way of one event over the graph, put together from what all instances remember at `/recent`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from actorkit.errors import UNREADABLE
from actorkit.observe.fetch import Page


@dataclass(frozen=True)
class Hop:
    """An event at one actor. `seconds`: how long its consume took; None where that is not known, or it is being
    consumed. `sender` is the instance that it came from; `failure` is "" where it did not fail."""

    time: float
    actor: str
    instance: str
    inbox: str
    sender: str
    id: str
    trail: tuple[str, ...]
    seconds: float | None
    attempts: int
    format: str
    bytes: int
    redelivered: bool
    failure: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Way:
    """The hops of a trace, in the order of the way; and one trace of how many is recorded (0: none)."""

    hops: tuple[Hop, ...]
    sampled_every: int


def read_way(pages: Iterable[Page], trace: str) -> Way:
    """The way of a trace, as pages /recent tell it."""
    told = [one for one in map(_read, pages) if one]
    hops = [hop for one in told for hop in _hops(one, trace)]
    return Way(tuple(_sort(hops)), max((int(one["sampled_every"]) for one in told), default=0))


def _sort(found: Iterable[Hop]) -> list[Hop]:
    """The hops by time, but none before the one that it came from: clocks differ between machines."""
    moments: list[tuple[float, Hop]] = []
    for hop in sorted(found, key=lambda one: len(one.trail)):
        before = [
            moment for moment, one in moments if one.instance == hop.sender and (*one.trail, one.actor) == hop.trail
        ]
        moments.append((max(hop.time, min(before, default=0.0)), hop))
    return [hop for _, hop in sorted(moments, key=lambda one: (one[0], len(one[1].trail)))]


def _read(page: Page) -> dict[str, Any]:
    try:
        return msgspec.json.decode(page.body, type=dict[str, Any]) if page.status == HTTPStatus.OK else {}
    except UNREADABLE:
        return {}


def _hops(told: Mapping[str, Any], trace: str) -> Iterable[Hop]:
    """The hops at one instance: an event that was recorded and has failed is one."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in (*told.get("sampled", ()), *told.get("failures", ())):
        if entry["trace"] != trace:
            continue
        known = seen.setdefault((entry["id"], entry["inbox"]), dict(entry))
        known["attempts"] = max(known.get("attempts", 1), entry.get("attempts", 1))
        known["time"] = min(known["time"], entry["time"])
        if "status" in entry.get("failure", {}):  # what an event brings with it on an error path has none
            known["why"] = f"{entry['failure']['kind']}: {entry['failure']['message']}"
    for known in seen.values():
        yield Hop(
            time=known["time"],
            actor=told["actor"],
            instance=told["instance"],
            inbox=known["inbox"],
            sender=known["from"],
            id=known["id"],
            trail=tuple(known["trail"]),
            seconds=known.get("seconds"),
            attempts=known["attempts"],
            format=known["format"],
            bytes=known["bytes"],
            redelivered=known.get("redelivered", False),
            failure=known.get("why", ""),
        )
