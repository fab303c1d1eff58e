"""attribute-modifier: what it sets, copies, deletes and rewrites, and what it refuses."""

from __future__ import annotations

import time
from typing import Any

import pytest

from actorkit import Event, Http, JSONEvent, XMLEvent
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.attribute_modifier import AttributeModifier

ORDER = {"a": {"b": [1, {"c": "ü"}]}, "empty": {}, "none": None}


def changed(event: Event, *changes: dict[str, Any]) -> Event:
    harness = Harness(AttributeModifier, changes=list(changes))
    harness.put(event)
    assert [failed.failure for failed in harness.errors] == []
    [got] = harness.taken()
    assert got.trace == event.trace
    return got


def failure(event: Event, *changes: dict[str, Any]) -> Any:
    harness = Harness(AttributeModifier, changes=list(changes))
    harness.put(event)
    assert harness.taken() == []
    [failed] = harness.errors
    assert failed.encoded() == event.encoded()
    assert failed.attributes == event.attributes
    return failed.failure


@pytest.mark.parametrize(
    ("changes", "attributes"),
    [
        ([{"set": "attributes/x", "value": [1]}], {"old": "o", "x": [1]}),
        ([{"set": "attributes/x", "value": None}], {"old": "o", "x": None}),
        ([{"set": "attributes/x/y/z", "value": 1}], {"old": "o", "x": {"y": {"z": 1}}}),
        ([{"set": "attributes/x", "from": "data/a/b/1/c"}], {"old": "o", "x": "ü"}),
        ([{"set": "attributes/x", "from": "data"}], {"old": "o", "x": ORDER}),
        ([{"set": "attributes/x", "from": "http/headers/host"}], {"old": "o", "x": "example"}),
        ([{"set": "attributes/x", "from": {"jsonpath": "$.a.b[*]"}}], {"old": "o", "x": [1, {"c": "ü"}]}),
        ([{"set": "attributes/x", "from": "data/nothing"}], {"old": "o"}),
        ([{"set": "attributes/x", "from": "data/nothing", "default": 0}], {"old": "o", "x": 0}),
        ([{"set": "attributes/x", "from": "attributes/old"}, {"delete": "attributes/old"}], {"x": "o"}),
        ([{"delete": "attributes/nothing/there"}], {"old": "o"}),
        ([{"substitute": "attributes/old", "regex": "(o)", "with": r"<\1\1\\>"}], {"old": r"<oo\>"}),
        ([{"substitute": "attributes/nothing", "regex": "o"}], {"old": "o"}),
    ],
)
def test_attributes_are_changed_and_the_rest_stays(changes: list[dict[str, Any]], attributes: dict[str, Any]) -> None:
    event = Event(ORDER, attributes={"old": "o"}, http=Http(headers={"host": "example"}))
    got = changed(event, *changes)
    assert got.attributes == attributes
    assert got.data == ORDER
    assert event.attributes == {"old": "o"}


@pytest.mark.parametrize(
    ("change", "data"),
    [
        ({"set": "data/empty/x/y", "value": 1}, {**ORDER, "empty": {"x": {"y": 1}}}),
        ({"set": "data/none/x", "value": 1}, {**ORDER, "none": {"x": 1}}),
        ({"set": "data/a/b/1", "value": 2}, {**ORDER, "a": {"b": [1, 2]}}),
        ({"delete": "data/a/b/0"}, {**ORDER, "a": {"b": [{"c": "ü"}]}}),
        ({"delete": "data/a/b/7"}, ORDER),
        ({"substitute": "data/a/b/1/c", "regex": "ü", "with": "ue"}, {**ORDER, "a": {"b": [1, {"c": "ue"}]}}),
        ({"set": "data", "value": {"n": 1}}, {"n": 1}),
    ],
)
def test_data_is_changed_inside(change: dict[str, Any], data: Any) -> None:
    assert changed(JSONEvent(ORDER), change).data == data


def test_data_that_is_not_there_becomes_an_object() -> None:
    assert changed(Event(None), {"set": "data/x", "value": 1}).data == {"x": 1}


def test_the_service_is_set_and_xml_is_looked_into() -> None:
    event = changed(XMLEvent("<a><b>1</b><b>2</b></a>"), {"set": "service", "from": {"xpath": "/a/b[1]"}})
    assert (event.service, event.encoded()) == ("1", ("x", b"<a><b>1</b><b>2</b></a>"))
    assert changed(event, {"set": "attributes/n", "from": {"xpath": "count(/a/b)"}}).get("n") == 2


def test_one_event_does_not_share_its_values_with_the_next() -> None:
    harness = Harness(
        AttributeModifier, changes=[{"set": "attributes/x", "value": {}}, {"set": "attributes/x/n", "from": "data"}]
    )
    harness.put(Event(1))
    harness.put(Event(None))
    assert [event.get("x") for event in harness.taken()] == [{"n": 1}, {"n": None}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{"set": "attributes/new", "value": 1}, {"set": "attributes/old/x", "value": 1}], "no parts"),
        ([{"set": "data/a/b/7", "value": 1}], "a list of 2"),
        ([{"set": "data/a/b/x", "value": 1}], "a list of 2"),
        ([{"set": "service", "value": 1}], "a text"),
        ([{"set": "attributes/x", "from": "data/no", "required": True}], "nothing is found"),
        ([{"substitute": "data/a", "regex": "x"}], "no text"),
    ],
)
def test_what_cannot_be_changed_fails_the_event_as_it_came(changes: list[dict[str, Any]], message: str) -> None:
    told = failure(Event(ORDER, attributes={"old": "o"}), *changes)
    assert told.status == 400
    assert message in told.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "one of set, delete and substitute"),
        ({"set": "attributes/x", "delete": "attributes/y", "value": 1}, "there are 2"),
        ({"set": "attributes/x"}, "one of value and from"),
        ({"set": "x", "value": 1}, "attributes/NAME"),
        ({"set": "attributes", "value": 1}, "names no attribute"),
        ({"delete": "attributes/x", "value": 1}, "value belongs to set"),
        ({"substitute": "attributes/x"}, "give the pattern"),
        ({"substitute": "attributes/x", "regex": "(a)\\1"}, "no pattern of RE2"),
        ({"substitute": "attributes/x", "regex": "a", "with": "\\1"}, "names a group"),
        ({"set": "attributes/x", "from": {"jsonpath": "$["}}, "no JSONPath"),
    ],
)
def test_a_change_that_is_none_is_found_before_the_first_event(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace("[", r"\[")):
        Harness(AttributeModifier, changes=[change])


def test_no_text_makes_a_pattern_take_for_ever() -> None:
    started = time.process_time()
    event = changed(
        Event("x", attributes={"t": "a" * 30_000}), {"substitute": "attributes/t", "regex": "(a+)+$b", "with": ""}
    )
    assert len(event.get("t")) == 30_000
    assert time.process_time() - started < 5
