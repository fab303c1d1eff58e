"""The way of an event stands in its order, whatever the clocks of the machines say."""

from __future__ import annotations

from typing import Any

import msgspec

from actorkit.console.way import Hop, read_way
from actorkit.observe.fetch import Page

TRACE = "0000000000000001"


def told(actor: str, entries: list[dict[str, Any]], failures: list[dict[str, Any]] | None = None) -> Page:
    page = {"actor": actor, "instance": f"{actor}-1", "sampled_every": 1024, "sampled": entries}
    return Page(200, msgspec.json.encode({**page, "failures": failures or []}))


def entry(moment: float, sender: str, *trail: str, **more: Any) -> dict[str, Any]:
    head = {"id": f"{moment:016.0f}", "trace": TRACE, "trail": trail, "format": "b", "bytes": 3}
    return {"time": moment, "inbox": "in", "from": sender, **head, **more}


def actors(hops: tuple[Hop, ...]) -> list[str]:
    return [hop.actor for hop in hops]


def test_no_hop_stands_before_the_one_that_it_came_from() -> None:
    pages = [
        told("c", [entry(3.0, "b-1", "a", "b")]),
        told("b", [entry(99.0, "a-1", "a")]),
        told("d", [entry(4.0, "c-1", "a", "b", "c")]),
    ]
    assert actors(read_way(pages, TRACE).hops) == ["b", "c", "d"]


def test_what_was_recorded_and_has_failed_is_one_hop() -> None:
    failed = {"attempts": 3, "failure": {"kind": "MalformedEvent", "message": "no total", "status": 400}}
    page = told("a", [entry(1.0, "x-1", seconds=0.5)], [entry(1.0, "x-1", **failed)])
    (hop,) = read_way([page], TRACE).hops
    assert (hop.attempts, hop.seconds, hop.failure) == (3, 0.5, "MalformedEvent: no total")


def test_other_traces_and_instances_of_an_older_version_are_left_out() -> None:
    pages = [told("a", [entry(1.0, "x-1")]), Page(404, b"there are /metrics")]
    assert read_way(pages, "0000000000000002").hops == ()
    assert read_way(pages, "0000000000000002").sampled_every == 1024
