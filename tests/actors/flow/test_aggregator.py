from __future__ import annotations

import json
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest

from actorkit import Event, JSONEvent, XMLEvent
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.aggregator import Aggregator
from tests.fleet import Fleet
from tests.until import until


def windows(harness: Harness[Aggregator]) -> list[Any]:
    return [event.data for event in harness.taken()]


def test_a_window_ends_with_its_last_event_and_the_next_begins() -> None:
    harness = Harness(Aggregator, count=2)
    harness.put(*(JSONEvent(number) for number in (0, False, 2, 3, 4)))
    assert (windows(harness), len(harness.held)) == ([[0, False], [2, 3]], 1)


def test_each_key_has_its_window_and_what_has_none_fails() -> None:
    harness = Harness(Aggregator, count=2, key={"at": "attributes/shop"})
    harness.put(*(Event(n, attributes={"shop": shop}) for n, shop in enumerate(["a", "b", "b", "a"])), Event(4))
    assert [(e.data, e.get("key"), e.get("count")) for e in harness.taken()] == [([1, 2], "b", 2), ([0, 3], "a", 2)]
    assert [e.failure.kind for e in harness.errors if e.failure] == ["MalformedEvent"]


def test_a_window_ends_when_its_time_is_over_whatever_comes() -> None:
    clock = [100.0]
    harness = Harness(Aggregator, window_s=5, key={"at": "attributes/k"})
    harness.actor.clock = lambda: clock[0]
    harness.put(Event(1, attributes={"k": 1}))
    clock[0] = 103.0
    harness.put(Event(2, attributes={"k": 2}), Event(3, attributes={"k": 1}))
    harness.tick("look")
    assert harness.taken() == []
    clock[0] = 105.0
    harness.tick("look")
    assert windows(harness) == [[1, 3]]
    clock[0] = 108.0
    harness.tick("look")
    assert (windows(harness), harness.held) == ([[2]], [])


def test_a_window_ends_before_it_has_too_much_data_and_one_large_event_is_a_window() -> None:
    harness = Harness(Aggregator, count=10, max_bytes=10)
    harness.put(Event("x" * 6), Event("y" * 4), Event("z"), Event("w" * 50), Event("v"))
    assert windows(harness) == [["x" * 6, "y" * 4], ["z"], ["w" * 50]]
    assert len(harness.held) == 1


def test_open_windows_end_when_no_more_comes() -> None:
    harness = Harness(Aggregator, count=10, to="xml", root="all", key={"xpath": "name(/*)"})
    harness.put(XMLEvent("<a/>"), XMLEvent("<b/>"), XMLEvent("<a/>"))
    harness.end_input()
    assert [event.text() for event in harness.taken()] == ["<all><a/><a/></all>", "<all><b/></all>"]
    assert harness.held == []


@pytest.mark.parametrize("params", [{}, {"count": 1, "key": {}}, {"count": 1, "to": "xml", "root": ""}])
def test_wrong_parameters_are_told(params: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Harness(Aggregator, **params)


def test_a_graph_with_an_aggregator_loses_nothing_in_kills_and_its_drain(fleet: Fleet, tmp_path: Path) -> None:
    """Windows of seven: 1000 numbers leave an open one, which ends in the drain."""
    file = tmp_path / "numbers"
    sink = fleet.start("sink", "tests.actors.flow.numbers:Collect", params=json.dumps({"file": str(file)}))
    params = json.dumps({"count": 7})
    middle = fleet.start("sum", "actorkit_actors.flow.aggregator:Aggregator", outbox_sink="sink", params=params)
    source = fleet.start(
        "source", "tests.probes:Source", outbox_sum="sum", params='{"count": 1000}', source_window="50"
    )
    until(lambda: sink.metric("actorkit_events_in_total") > 10, "some have arrived")
    middle.kill()
    middle = fleet.restart(middle)
    until(lambda: source.metric("actorkit_unfinished") == 1000 % 7, "an open window is left")
    for process in (source, middle, sink):
        process.signal(SIGTERM)
    assert [process.wait() for process in (source, middle, sink)] == [0, 0, 0]
    seen = [number for line in file.read_text().splitlines() for number in json.loads(line)]
    assert set(seen) == set(range(1000))
