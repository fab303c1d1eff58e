from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event, Http, JSONEvent, XMLEvent
from actorkit.errors import SettingsError, UnsendableData
from actorkit.event.parcel import Parcel
from actorkit.testing import Harness
from actorkit_actors.flow.event_join import EventJoin
from tests.fleet import Fleet
from tests.until import until

_numbers = itertools.count(1)


def part(event: Event, sender: str = "a", trace: int = 7, number: int = 0) -> Event:
    """The event as it comes from an actor of that name."""
    of = event.parcel()
    return Event.received(Parcel(number or next(_numbers), trace, of.format, of.body, of.context, trail=f"x/{sender}"))


def joined(*parts: Event, **params: Any) -> Event:
    harness = Harness(EventJoin, **params)
    harness.put(*parts)
    [made] = harness.taken()
    assert (harness.held, harness.errors) == ([], [])
    return made


def failures(harness: Harness[EventJoin]) -> list[str]:
    return [event.failure.kind for event in harness.errors if event.failure is not None]


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "a", "b")])
def test_the_parts_stand_in_the_order_of_the_actors_whatever_comes_first(order: tuple[str, ...]) -> None:
    made = joined(*(part(Event(sender), sender) for sender in order), of=["a", "b", "c"])
    assert (made.data, made.trace_number) == (["a", "b", "c"], 7)


@pytest.mark.parametrize("value", [0, False, None, "", [], {}, 0.0])
def test_data_that_is_false_is_a_part_like_others(value: Any) -> None:
    assert joined(part(JSONEvent(value), "a"), part(JSONEvent(1), "b"), of=["a", "b"]).data == [value, 1]


def test_objects_are_merged_and_the_later_one_of_the_list_wins() -> None:
    parts = part(JSONEvent({"x": 2, "b": 1}), "b"), part(JSONEvent({"x": 1, "a": 1}), "a")
    assert joined(*parts, of=["a", "b"], to="object").data == {"x": 2, "a": 1, "b": 1}


def test_documents_stand_in_an_element_with_their_namespaces() -> None:
    parts = part(XMLEvent("<a xmlns='urn:a'>&lt;</a>"), "a"), part(XMLEvent("<b/>"), "b")
    made = joined(*parts, of=["a", "b"], to="xml", root="both")
    assert made.text() == '<both><a xmlns="urn:a">&lt;</a><b/></both>'


def test_the_whole_has_the_attributes_of_all_and_the_request_of_one() -> None:
    parts = (
        part(Event(1, attributes={"a": 1, "x": 1}), "a"),
        part(Event(2, attributes={"x": 2}, http=Http(method="PUT", path="/orders")), "b"),
    )
    made = joined(*reversed(parts), of=["a", "b"])
    assert made.attributes == {"a": 1, "x": 2}
    assert made.http is not None
    assert made.http.path == "/orders"


def test_parts_of_several_joins_may_come_mixed() -> None:
    harness = Harness(EventJoin, count=2)
    for trace in (1, 2, 3, 3, 2, 1):
        harness.put(part(Event(trace), trace=trace))
    assert [event.data for event in harness.taken()] == [[3, 3], [2, 2], [1, 1]]


def test_parts_belong_together_by_a_key() -> None:
    harness = Harness(EventJoin, count=2, key={"jsonpath": "$.order"})
    orders = [{"order": "7", "n": 1}, {"order": 8}, {"order": 7, "n": 2}, {"n": 3}]
    harness.put(*(part(JSONEvent(order), trace=number) for number, order in enumerate(orders, 1)))
    assert [event.data for event in harness.taken()] == [[orders[0], orders[2]]]
    assert failures(harness) == ["MalformedEvent"]
    assert len(harness.held) == 1


def test_parts_tell_how_many_they_are_and_their_order() -> None:
    parts = [part(Event(text, attributes={"part": at, "parts": 3})) for at, text in ((2, "c"), (0, "a"), (1, "b"))]
    assert joined(*parts, count_at="attributes/parts").data == ["a", "b", "c"]


@pytest.mark.parametrize("count", [None, 0, -1, "3", True])
def test_a_part_that_tells_nonsense_fails_by_itself(count: Any) -> None:
    harness = Harness(EventJoin, count_at="attributes/parts")
    harness.put(part(Event(1, attributes={"parts": count})))
    assert (failures(harness), harness.held) == (["MalformedEvent"], [])


def test_a_part_that_cannot_be_put_together_fails_when_it_comes_and_the_right_one_is_waited_for() -> None:
    harness = Harness(EventJoin, of=["a", "b"], to="object")
    harness.put(part(JSONEvent([1]), "a"), part(Event(b"\xff"), "b"), part(JSONEvent({"b": 1}), "b"))
    assert failures(harness) == ["MalformedEvent", "ConversionError"]
    harness.put(part(JSONEvent({"a": 1}), "a"))
    assert [event.data for event in harness.taken()] == [{"a": 1, "b": 1}]


def test_a_second_part_of_one_actor_and_one_of_a_stranger_fail() -> None:
    harness = Harness(EventJoin, of=["a", "b"])
    harness.put(part(Event(1), "a"), part(Event(2), "a"), part(Event(3), "c"), part(Event(4), "b"))
    assert failures(harness) == ["Conflict", "MalformedEvent"]
    assert [event.data for event in harness.taken()] == [[1, 4]]


class Full(Harness[EventJoin]):
    """Refuses what goes to the default outboxes."""

    def send(self, event: Event, outbox: str | None) -> None:
        if outbox is None:
            raise UnsendableData("the data is too long")
        super().send(event, outbox)


def test_parts_of_which_no_whole_can_be_sent_all_fail() -> None:
    harness = Full(EventJoin, count=2)
    harness.put(part(Event(1)), part(Event(2)))
    assert harness.taken() == []
    assert [event.data for event in harness.errors] == [1, 2]


def test_what_is_there_fails_when_the_time_is_over_or_goes_on() -> None:
    clock = [100.0]
    strict, lenient = (Harness(EventJoin, of=["a", "b"], timeout_s=5, on_timeout=what) for what in ("error", "send"))
    for harness in (strict, lenient):
        harness.actor.clock = lambda: clock[0]
        clock[0] = 100.0
        harness.put(part(Event("old"), "b", 1))
        clock[0] = 104.9
        harness.put(part(Event("new"), "b", 2))
        harness.tick("look")
        assert len(harness.held) == 2
        clock[0] = 105.1
        harness.tick("look")
        assert len(harness.held) == 1
    [failed] = strict.errors
    assert failed.failure is not None
    assert (failed.failure.status, failed.data) == (504, "old")
    assert failed.failure.message == "the parts of a have not come within 5 s (timeout_s); there are 1"
    assert [event.data for event in lenient.taken()] == [["old"]]
    assert {(f.name, f.label_value): f.value for f in lenient.actor.figures()} == {
        ("actorkit_join_parts", ""): 1,
        ("actorkit_joins", "whole"): 0,
        ("actorkit_joins", "incomplete"): 1,
    }


@pytest.mark.parametrize(
    ("params", "left"), [({}, (1, 0, 0)), ({"on_timeout": "send"}, (0, 1, 0)), ({"at_end": "keep"}, (0, 0, 1))]
)
def test_what_is_there_when_no_more_comes(params: dict[str, Any], left: tuple[int, int, int]) -> None:
    harness = Harness(EventJoin, count=2, **params)
    harness.put(part(Event()))
    harness.end_input()
    assert (len(harness.errors), len(harness.taken()), len(harness.held)) == left


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "give one of of, count and count_at"),
        ({"count": 2, "of": ["a"]}, "give one of of, count and count_at"),
        ({"of": ["a", "a"]}, "stands there twice"),
        ({"count": 2, "key": {}}, "give one of xpath"),
        ({"count": 2, "to": "xml", "root": "<a>"}, "no name of an element"),
    ],
)
def test_wrong_parameters_are_told(params: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Harness(EventJoin, **params)


def test_a_join_that_is_killed_again_and_again_loses_no_part_and_its_wholes_keep_their_names(
    fleet: Fleet, tmp_path: Path
) -> None:
    """The sink is slow, so that at each kill some wholes are on their way, with all their parts unfinished."""
    count, file = 1500, tmp_path / "seen.json"
    sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(file), "pause_s": 0.001}))
    params = json.dumps({"of": ["left", "right"], "to": "object"})
    join = fleet.start("join", "actorkit_actors.flow.event_join:EventJoin", outbox_sink="sink", params=params)
    sides = [fleet.start(name, "tests.probes:Pass", outbox_join="join") for name in ("left", "right")]
    source = fleet.start(
        "source",
        "tests.probes:Source",
        outbox_left="left",
        outbox_right="right",
        params=json.dumps({"count": count}),
        source_window="300",
    )
    for arrived in (200, 500, 900):
        until(lambda at=arrived: sink.metric("actorkit_events_in_total") > at, "some have arrived")  # type: ignore[misc]
        join.kill()
        join = fleet.restart(join)
    until(lambda: sink.metric("actorkit_events_in_total") >= count, "all have arrived", 60)
    until(lambda: source.metric("actorkit_unfinished") == 0, "all is finished")
    assert [process.stop() for process in (source, *sides, join, sink)] == [0] * 5
    seen = json.loads(file.read_text())["seen"]
    assert sorted(map(int, seen)) == list(range(count))
    assert set(seen.values()) == {1}, "what came again was known by its name"
