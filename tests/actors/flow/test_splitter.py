from __future__ import annotations

import time
from typing import Any

import pytest
from lxml import etree

from actorkit import Event, Http, JSONEvent, XMLEvent
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.event_join import EventJoin
from actorkit_actors.flow.splitter import Splitter


def parts(event: Event, **params: Any) -> list[Event]:
    harness = Harness(Splitter, **params)
    harness.put(event)
    assert harness.errors == []
    return harness.taken()


def failed(event: Event, **params: Any) -> str:
    harness = Harness(Splitter, **params)
    harness.put(event)
    [one] = harness.errors
    assert (one.failure is not None, harness.taken()) == (True, [])
    return f"{one.failure.status} {one.failure.message}" if one.failure else ""


def texts(event: Event, **params: Any) -> list[str]:
    return [one.text() for one in parts(event, **params)]


#: Its regular expressions would backtrack.
EXSLT = {"xpath": "//a[re:test(., '^(a+)+$b')]", "namespaces": {"re": "http://exslt.org/regular-expressions"}}
ORDER = "<o xmlns='urn:o' xmlns:x='urn:x'>\n <x:i n='1'>tea</x:i> tail\n <x:i n='2'><y/></x:i></o>"


@pytest.mark.parametrize(
    ("xpath", "made"),
    [
        (
            "//x:i",
            [
                '<x:i xmlns:x="urn:x" xmlns="urn:o" n="1">tea</x:i>',
                '<x:i xmlns:x="urn:x" xmlns="urn:o" n="2"><y/></x:i>',
            ],
        ),
        ("//x:i/@n", ["1", "2"]),
        ("//default:y", ['<y xmlns="urn:o" xmlns:x="urn:x"/>']),
        ("count(//x:i)", ["2.0"]),
        ("//x:none", []),
    ],
)
def test_each_node_that_an_xpath_finds_is_an_event(xpath: str, made: list[str]) -> None:
    found = texts(XMLEvent(ORDER), each={"xpath": xpath})
    assert [plain(one) for one in found] == [plain(one) for one in made]


def plain(text: str) -> str:
    """XML as it stands in canonical form, for the order of its namespaces."""
    return str(etree.canonicalize(text)) if text.startswith("<") else text


def test_each_value_of_a_jsonpath_is_an_event() -> None:
    order = JSONEvent({"items": [{"a": 1}, [2], "tea", None, False, 0]})
    assert [one.data for one in parts(order, each={"jsonpath": "$.items[*]"})] == order.data["items"]


def test_each_item_of_the_list_at_a_path_is_an_event() -> None:
    event = Event("x", attributes={"to": ["a", "b"]})
    assert texts(event, each={"at": "attributes/to"}) == ["a", "b"]
    assert parts(event, each={"at": "attributes/cc"}) == []
    assert failed(JSONEvent({"items": 5}), each={"at": "data/items"}) == "400 at data/items is no list"


def test_each_line_of_a_text_is_an_event() -> None:
    assert texts(Event("\ufeffone\r\n\ntwo\x85three\u2028four\nfive")) == ["one", "two\x85three\u2028four", "five"]
    assert texts(Event(b"one\ntwo\n")) == ["one", "two"]
    assert failed(JSONEvent([1])).startswith("400 the data is no text")
    assert failed(Event(b"\xff")).startswith("400 the text is not UTF-8")


def test_a_part_knows_its_place_and_what_it_is_a_part_of_and_keeps_the_rest() -> None:
    event = Event("a\nb", attributes={"kind": "order"}, http=Http(method="PUT", path="/"))
    first, second = parts(event)
    assert first.attributes == {"kind": "order", "part": 0, "parts": 2, "whole": event.key}
    assert second.attributes == {"kind": "order", "part": 1, "parts": 2, "whole": event.key}
    assert (first.trace, first.http is not None) == (event.trace, True)


def test_what_was_taken_apart_is_put_together_whatever_comes_first() -> None:
    join = Harness(EventJoin, key={"at": "attributes/whole"}, count_at="attributes/parts")
    mixed = [one for pair in zip(parts(Event("a\nb\nc")), parts(Event("d\ne\nf")), strict=True) for one in pair]
    join.put(*reversed(mixed))
    assert sorted(one.data for one in join.taken()) == [["a", "b", "c"], ["d", "e", "f"]]


@pytest.mark.parametrize(("empty", "made"), [("drop", 0), ("send", 1)])
def test_what_has_no_parts_ends_or_goes_on_or_fails(empty: str, made: int) -> None:
    event = JSONEvent({"items": []})
    assert len(parts(event, each={"jsonpath": "$.items[*]"}, empty=empty)) == made
    assert failed(event, each={"jsonpath": "$.items[*]"}, empty="error") == "422 the event has no parts"


def test_what_cannot_be_read_or_has_too_many_parts_fails() -> None:
    assert failed(Event("<a"), each={"xpath": "//a"}).startswith("400 the data is not XML")
    assert failed(Event("{"), each={"jsonpath": "$.*"}).startswith("400")
    assert failed(Event("1\n2\n3"), max_parts=2) == "400 there are 3 parts, more than 2 (max_parts)"
    bomb = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
    assert "entity" in failed(Event(bomb), each={"xpath": "//a"})


def test_a_pattern_that_never_ends_is_none_that_a_place_can_have() -> None:
    with pytest.raises(SettingsError):
        Harness(Splitter, each={"jsonpath": "$[?match(@.a, '(a+)+b')]"})
    begun = time.monotonic()
    assert parts(XMLEvent(f"<a>{'a' * 100}</a>"), each=EXSLT) == []
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("each", [{}, {"xpath": "//["}, {"jsonpath": "$["}, {"xpath": "//a", "at": "data"}])
def test_a_wrong_place_is_told(each: dict[str, str]) -> None:
    assert [problem.path for problem in Splitter.check(_params(each))] == ["each"]
    with pytest.raises(SettingsError):
        Harness(Splitter, each=each)


def _params(each: dict[str, str]) -> Splitter.Params:
    from actorkit import params

    return params.build(Splitter.Params, {"each": each})
