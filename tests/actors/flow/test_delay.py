"""delay: order, time, the end, and kills."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from actorkit import Event
from actorkit.testing import Harness
from actorkit_actors.flow.delay import Delay
from tests.fleet import Fleet
from tests.until import until


@pytest.fixture
def harness() -> Iterator[Harness[Delay]]:
    with closing(Harness(Delay, delay_s=0.1)) as harness:
        yield harness


def taken(harness: Harness[Delay], count: int) -> list[Event]:
    found: list[Event] = []

    def all_there() -> bool:
        found.extend(harness.taken())
        return len(found) >= count

    until(all_there, "they go on", pause_s=0.005)
    return found


def test_events_go_on_in_their_order_and_not_before_their_time(harness: Harness[Delay]) -> None:
    started = time.monotonic()
    harness.put(Event(1), Event(2))
    gevent.sleep(0.05)  # the third comes later than the first two
    harness.put(Event(3))
    assert len(harness.held) == 3
    first = taken(harness, 2)
    assert time.monotonic() - started >= 0.1
    rest = taken(harness, 1)
    assert time.monotonic() - started >= 0.15
    assert [event.data for event in (*first, *rest)] == [1, 2, 3]
    assert harness.held == []


def test_one_that_comes_after_a_pause_waits_as_long(harness: Harness[Delay]) -> None:
    for number in range(2):
        started = time.monotonic()
        harness.put(Event(number))
        assert [event.data for event in taken(harness, 1)] == [number]
        assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize(("at_end", "sent"), [("send", 2), ("wait", 0)])
def test_at_the_end_what_waits_goes_on_at_once_or_in_its_time(at_end: str, sent: int) -> None:
    with Harness(Delay, delay_s=60, at_end=at_end) as harness:
        harness.put(Event(1), Event(2))
        harness.end_input()
        assert len(harness.taken()) == sent
        assert len(harness.held) == 2 - sent


def test_a_kill_loses_nothing_of_what_waits(fleet: Fleet, tmp_path: Path) -> None:
    count, file = 50, tmp_path / "sink.json"
    sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(file)}))
    params = json.dumps({"delay_s": 1})
    actor = fleet.start("wait", "actorkit_actors.flow.delay:Delay", params=params, outbox_sink="sink")
    up = fleet.start("up", "tests.probes:Source", params=json.dumps({"count": count}), outbox_wait="wait")
    until(lambda: up.metric("actorkit_events_out_total") == count, "all is sent", timeout_s=30)
    assert up.metric("actorkit_unfinished") == count
    actor.kill()
    fleet.restart(actor)
    until(lambda: up.metric("actorkit_unfinished") == 0, "all is acknowledged", timeout_s=60)
    assert sink.stop() == 0
    # What may have ended the instance comes again by itself, so the order is another one.
    assert json.loads(file.read_text())["seen"] == {str(number): 1 for number in range(count)}
