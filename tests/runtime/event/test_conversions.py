"""Every class of events as every other: what comes out, and what is refused."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import ConversionError, Event, FormEvent, Http, HttpEvent, JSONEvent, LogEvent, XMLEvent
from actorkit.errors import UnsendableData
from actorkit.event import envelope, forms, hints, xml
from actorkit.testing import over_the_wire
from tests.places import DOCS

RECORD = {"time": 1.5, "level": "info", "actor": "a", "instance": "a-1", "message": "m"}

#: One event of each format, over HTTP so that it can be an HttpEvent.
SOURCES: dict[str, Event] = {
    "nothing": Event(None, http=Http()),
    "bytes": Event(b'{"a":"1"}', http=Http()),
    "text": Event("<a>1</a>", http=Http()),
    "JSON": JSONEvent({"a": "1"}, http=Http()),
    "XML": XMLEvent("<a>1</a>", http=Http()),
    "form": FormEvent({"a": ["1"]}, http=Http()),
}
#: (format, class) → the body that it becomes; None: refused. docs/events.md has the same table.
BECOMES: dict[tuple[str, type[Event]], tuple[str, bytes] | None] = {
    ("nothing", XMLEvent): None,
    ("nothing", JSONEvent): ("n", b""),
    ("nothing", FormEvent): ("f", b""),
    ("nothing", HttpEvent): ("b", b""),
    ("bytes", XMLEvent): None,
    ("bytes", JSONEvent): ("j", b'{"a":"1"}'),
    ("bytes", FormEvent): ("f", b"%7B%22a%22%3A%221%22%7D="),
    ("bytes", HttpEvent): ("b", b'{"a":"1"}'),
    ("text", XMLEvent): ("x", b"<a>1</a>"),
    ("text", JSONEvent): None,
    ("text", FormEvent): ("f", b"%3Ca%3E1%3C%2Fa%3E="),
    ("text", HttpEvent): ("b", b"<a>1</a>"),
    ("JSON", XMLEvent): ("x", b"<a>1</a>"),
    ("JSON", JSONEvent): ("j", b'{"a":"1"}'),
    ("JSON", FormEvent): ("f", b"a=1"),
    ("JSON", HttpEvent): ("b", b'{"a":"1"}'),
    ("XML", XMLEvent): ("x", b"<a>1</a>"),
    ("XML", JSONEvent): ("j", b'{"a":"1"}'),
    ("XML", FormEvent): ("f", b"a=1"),
    ("XML", HttpEvent): ("b", b"<a>1</a>"),
    ("form", XMLEvent): ("x", b"<a>1</a>"),
    ("form", JSONEvent): ("j", b'{"a":"1"}'),
    ("form", FormEvent): ("f", b"a=1"),
    ("form", HttpEvent): ("b", b"a=1"),
}


@pytest.mark.parametrize(("source", "target"), BECOMES)
def test_every_format_becomes_every_class_or_is_refused_with_400(source: str, target: type[Event]) -> None:
    expected = BECOMES[source, target]
    event = over_the_wire(SOURCES[source], Event)
    if expected is None:
        with pytest.raises(ConversionError) as caught:
            event.convert(target)
        assert caught.value.status == 400
        return
    converted = event.convert(target)
    _ = converted.data
    assert converted.encoded() == expected
    assert converted.trace == event.trace


def test_the_table_of_the_documentation_has_a_cell_for_each() -> None:
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    [head] = re.findall(r"^\| to ↓ from → \|(.*)\|$", text, re.M)
    assert [cell.strip() for cell in head.split("|")] == list(SOURCES)
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) >= {cls.__name__ for _, cls in BECOMES} | {"LogEvent"}
    for source, target in BECOMES:
        [row] = re.findall(rf"^\| `{target.__name__}` \|((?:[^|\n]*\|){{{len(SOURCES)}}})$", text, re.M)
        cell = row.split("|")[list(SOURCES).index(source)]
        assert ("400" in cell) >= (BECOMES[source, target] is None and source == "nothing")


def test_any_event_is_an_event_again_and_an_http_event_needs_http() -> None:
    for event in SOURCES.values():
        assert event.convert(Event).encoded() == event.encoded()
    with pytest.raises(ConversionError, match="did not come over HTTP"):
        JSONEvent({}).convert(HttpEvent)


def test_a_log_event_tells_what_was_logged_and_nothing_else_is_one() -> None:
    event = over_the_wire(Event(RECORD), LogEvent)
    event.ensure()
    assert (event.time, event.level, event.actor, event.instance, event.message) == (1.5, "info", "a", "a-1", "m")
    assert event.convert(XMLEvent).convert(JSONEvent).data["message"] == "m"
    for other in (Event({"a": 1}), Event([1]), Event("<a/>"), Event(None), Event({"message": 1})):
        with pytest.raises(ConversionError):
            over_the_wire(other, Event).convert(LogEvent)


def test_a_form_is_a_mapping_of_lists() -> None:
    event = over_the_wire(FormEvent({"a": "1", "b": ["x", "ü&="], "c": None, "n": 2}), FormEvent)
    assert event.data == {"a": ["1"], "b": ["x", "ü&="], "c": [""], "n": ["2"]}
    assert event.encoded() == ("f", b"a=1&b=x&b=%C3%BC%26%3D&c=&n=2")
    assert Event.received(event.parcel()).data == event.data
    assert event.convert(JSONEvent).data == {"a": "1", "b": ["x", "ü&="], "c": "", "n": "2"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"a": {"b": 1}}, 'the field "a" of the form would hold an object'),
        ({"a": [[1]]}, 'the field "a"'),
        ([1], "a form is made of an object"),
        (b"a=%FF", "not UTF-8"),
        (b"\xff=1", "not UTF-8"),
        (b"&".join([b"a=1"] * 1001), "more than 1000 fields"),
        (b"a=" + b"x" * (1 << 20), "it may have 1048576"),
    ],
)
def test_what_is_no_form_is_refused(data: Any, says: str) -> None:
    with pytest.raises(ConversionError, match=says) as caught:
        _ = over_the_wire(Event(data), Event).convert(FormEvent).data
    assert caught.value.status == 400


def test_an_actor_that_makes_no_form_is_told_so() -> None:
    event = FormEvent({})
    with pytest.raises(UnsendableData, match="an object or a list of lists"):
        event.data = {"a": {"b": 1}}


@given(st.dictionaries(st.text(), st.lists(st.text(), min_size=1, max_size=3), max_size=5))
def test_a_form_comes_back_from_its_text_and_from_json(form: dict[str, list[str]]) -> None:
    assert forms.parse(forms.write(form)) == form
    assert forms.from_json(forms.to_json(form)) == form


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"XML=%3Ca%2F%3E", ("x", b"<a/>")),
        (b"json=%7B%7D", ("j", b"{}")),
        (b"XML=a&b=1", None),
        (b"XML=a&XML=b", None),
        (b"a=1", None),
        (b"", None),
    ],
)
def test_a_form_with_one_field_xml_or_json_wraps_a_document(content: bytes, found: Any) -> None:
    assert forms.unwrap(content) == found


@pytest.mark.parametrize("value", [None, 0, "", [], {}, {"a": 1}, {"data": 1, "b": 2}])
def test_an_envelope_comes_off_again(value: Any) -> None:
    assert envelope.wrap(value) == {"data": value}
    assert envelope.unwrap(envelope.wrap(value)) == value


@pytest.mark.parametrize("value", [{"data": 0}, {"data": None}, {"data": {"x": 1}}])
def test_an_envelope_gets_no_second_one(value: Any) -> None:
    assert envelope.wrap(value) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('<a json_type="int">5</a>', {"a": 5}),
        ('<a json_type="int">five</a>', {"a": "five"}),
        ('<a json_type="int"/>', {"a": None}),
        ('<a json_type="str"/>', {"a": ""}),
        ('<a json_type="str">5</a>', {"a": "5"}),
        ('<a json_type="float">1e3</a>', {"a": 1000.0}),
        ('<a json_type="float">nan</a>', {"a": "nan"}),
        ('<a json_type="float">1e999</a>', {"a": "1e999"}),
        ('<a json_type="bool">TRUE</a>', {"a": True}),
        ('<a json_type="bool">0</a>', {"a": False}),
        ('<a json_type="bool">x</a>', {"a": "x"}),
        ('<a json_type="currency">1.005</a>', {"a": 1.0}),
        ('<a json_type="currency">1e400</a>', {"a": "1e400"}),
        ('<a json_type="what">1</a>', {"a": "1"}),
        ('<a><b force_list="true">1</b></a>', {"a": {"b": ["1"]}}),
        ('<a><b force_list="1">1</b><b>2</b></a>', {"a": {"b": ["1", "2"]}}),
        ('<a><b force_list="1" json_type="int" id="7">1</b></a>', {"a": {"b": [{"@id": "7", "#text": "1"}]}}),
        ('<a force_list="1"><b/></a>', {"a": [{"b": None}]}),
    ],
)
def test_hints_give_types_and_lists_back(text: str, value: Any) -> None:
    assert hints.read(xml.to_json(xml.parse(text.encode()))) == value


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N")), max_size=5)
#: Lists of one list are not told apart from the list itself.
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).filter(lambda found: len(found) > 1 or not isinstance(found[0], list))
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), TREES, min_size=1) | st.lists(TREES, min_size=1))
def test_json_with_hints_comes_back_from_xml_as_it_was(value: Any) -> None:
    back = hints.read(xml.to_json(xml.parse(xml.serialise(xml.from_json(hints.write(value))))))
    assert back == value
    assert _types(back) == _types(value)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _types(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_types(inner) for inner in value]
    return type(value)


@given(st.text())
def test_any_text_under_a_hint_stays_json(text: str) -> None:
    for kind in ("int", "float", "bool", "currency", "str"):
        found = hints.read({"a": {"@json_type": kind, "#text": text}})["a"]
        assert not (isinstance(found, float) and not math.isfinite(found))
