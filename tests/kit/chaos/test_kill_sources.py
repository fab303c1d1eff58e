"""`kit chaos --kill-sources`: sources that settle with an outside, and sinks that store by key, are killed as well."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from actorkit import Event, MalformedEvent
from actorkit.testing import Harness
from actorkit_kit.chaos import rig
from actorkit_kit.chaos.outside import OUTSIDES, LinesFile, OutboxTable, Outside, Store
from actorkit_kit.chaos.records import count_arrivals, read_made, read_seen
from actorkit_kit.chaos.settling import DatabaseSource, FileSource, KeyedSink
from actorkit_kit.chaos.verdict import Count, missing
from actorkit_kit.errors import UsageError
from actorkit_kit.load import load_plan
from tests.kit.chaos.test_chaos import EXAMPLE, chaos
from tests.kit.conftest import Kit
from tests.kit.plans import ORDERS, plan_of

KINDS = pytest.mark.parametrize("kind", list(OUTSIDES))


@KINDS
def test_nothing_is_lost_and_nothing_is_stored_twice_when_sources_and_sinks_are_killed(kind: str) -> None:
    faults = ["--kill", "15", "--stop", "2", "--on", "ticks", "--on", "out"]
    status, verdict, said = chaos(str(EXAMPLE), "--kill-sources", kind, "--for", "12s", "--seed", "3", *faults)
    assert status == 0, said
    assert (verdict["lost"], verdict["duplicates"], verdict["failed"], verdict["unacknowledged"]) == (0, 0, 0, 0)
    assert verdict["received"] == 2 * verdict["sent"] > 2000
    assert verdict["faults"] == {"kill": 15, "stop": 2}
    assert verdict["exactly_once"] is True
    assert verdict["unclean"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("disk",), '--kill-sources "disk" is no outside. Choose one of: file, database.'),
        (("file", "--poison", "1"), "--poison is given to events by a source that lives. Leave out --kill-sources."),
    ],
)
def test_what_cannot_be_meant_is_told(kit: Kit, arguments: tuple[str, ...], said: str) -> None:
    done = kit("chaos", str(EXAMPLE), "--kill-sources", *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_a_server_is_no_source_that_can_be_killed(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='"web" is a server, whose clients ask again themselves'):
        rig.build(plan_of(ORDERS, shop), tmp_path, 100, None, outside="file")


@KINDS
def test_sources_take_from_the_outside_and_sinks_store_by_key(kind: str, tmp_path: Path) -> None:
    made = rig.build(load_plan(str(EXAMPLE)), tmp_path, 100, None, outside=kind)
    assert made.plan.unit("ticks").class_path == f"actorkit_kit.chaos.settling:{OUTSIDES[kind][1]}"
    assert made.plan.unit("out").class_path == "actorkit_kit.chaos.settling:KeyedSink"
    assert made.plan.unit("out").params == {"seen": str(made.seen("out")), "max_deliveries": 1000}
    assert made.outsides().keys() == {"ticks"}


STORES = pytest.mark.parametrize(("store", "source"), [(LinesFile, FileSource), (OutboxTable, DatabaseSource)])


@STORES
def test_the_outside_knows_the_traces_and_what_is_not_settled(
    tmp_path: Path, store: type[LinesFile | OutboxTable], source: type[FileSource | DatabaseSource]
) -> None:
    orders: Store = store(tmp_path / "orders")
    outside = Outside(orders, tmp_path / "made", "test", "actor", 10_000)
    outside.set_quota(5)
    assert outside.unsettled == -1

    async def give() -> None:
        task = asyncio.create_task(outside.run())
        while outside.unsettled != 5:
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(give(), 20))
    with Harness(source, outside=str(tmp_path / "orders")) as harness:
        events = harness.produce(3)
        assert [event.trace_number for event in events] == [one.trace for one in read_made(tmp_path / "made")][:3]
        harness.settle(events[0])
        harness.settle(events[2], failure=MalformedEvent("no"))
    assert outside.unsettled == (4 if store is LinesFile else 3), "a floor has no holes"
    traces = [one.trace for one in read_made(tmp_path / "made")]
    assert outside.unsettled_traces() == set(traces[1:] if store is LinesFile else [traces[1], *traces[3:]])
    with Harness(source, outside=str(tmp_path / "orders")) as again:
        (first,) = again.produce(1)
        assert first.key == events[1].key


def test_what_the_outside_has_yet_is_not_lost() -> None:
    found = Count(
        dict.fromkeys((1, 2, 3), 0), dict.fromkeys((1, 2, 3), "ticks"), {1: Counter([("out", 7)])}, frozenset(), ()
    )
    assert missing(found, {"ticks": 1}) == (2, 3)
    assert missing(found, {"ticks": 1}, frozenset({3})) == (2,)


def test_a_sink_that_stores_by_key_counts_what_came_again(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    assert (count_arrivals(path), list(read_seen(path))) == ((0, 0), [])
    events = [Event("a"), Event("b")]
    with Harness(KeyedSink, seen=str(path)) as harness:
        for event in (*events, events[0], events[0]):
            harness.put(event)
    assert count_arrivals(path) == (2, 2)
    assert [(one.trace, one.id) for one in read_seen(path)] == [(one.trace_number, one.number) for one in events]
