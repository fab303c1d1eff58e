from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import Actor, Event, Failure, Http, JSONEvent, XMLEvent, params
from actorkit.testing import Harness
from actorkit_actors.xml.dict_to_xml import DictToXML
from actorkit_actors.xml.properties_to_xml import PropertiesToXML
from actorkit_actors.xml.xml_to_dict import XMLToDict


def result(cls: type[Actor], event: Event, **given: Any) -> Event:
    harness = Harness(cls, **given)
    harness.put(event)
    assert [failed.failure for failed in harness.errors] == []
    [made] = harness.taken()
    assert (made.trace, made.service, made.get("kept")) == (event.trace, event.service, event.get("kept"))
    return made


def failure(cls: type[Actor], event: Event, **given: Any) -> Any:
    harness = Harness(cls, **given)
    harness.put(event)
    assert harness.taken() == []
    return harness.errors[0].failure


@pytest.mark.parametrize(
    ("text", "given", "value"),
    [
        ("<a><b>1</b></a>", {}, {"a": {"b": "1"}}),
        ("<m><b>1</b></m>", {"envelopes": ["m"]}, {"b": "1"}),
        ("<a><b>1</b></a>", {"envelopes": ["m"]}, {"a": {"b": "1"}}),
        ("<a><b>1</b></a>", {"flatten": True}, {"b": "1"}),
        ("<a>text</a>", {"flatten": True}, "text"),
        ("<a/>", {"flatten": True}, None),
        ('<a><b json_type="int" force_list="1">1</b></a>', {"typed": True}, {"a": {"b": [1]}}),
        ('<a json_type="int">1</a>', {}, {"a": {"@json_type": "int", "#text": "1"}}),
        ("<a><b>1</b><c><b>2</b><b>3</b></c></a>", {"lists": ["b"]}, {"a": {"b": ["1"], "c": {"b": ["2", "3"]}}}),
    ],
)
def test_xml_becomes_json(text: str, given: dict[str, Any], value: Any) -> None:
    event = Event(text, service="s", attributes={"kept": 1})
    made = result(XMLToDict, event, **given)
    assert made.convert(JSONEvent).data == value
    assert made.encoded()[0] == ("n" if value is None else "j")


@pytest.mark.parametrize(
    ("value", "given", "text"),
    [
        ({"a": 1}, {}, "<a>1</a>"),
        ({"a": 1, "b": 2}, {}, '<ak:object xmlns:ak="urn:actorkit:json"><a>1</a><b>2</b></ak:object>'),
        ({"a": 1, "b": 2}, {"envelope": "e"}, "<e><a>1</a><b>2</b></e>"),
        ({"a": 1}, {"envelope": "e"}, "<a>1</a>"),
        ({"a": 1}, {"envelope": "e", "always": True}, "<e><a>1</a></e>"),
        ({"a": [1, 2]}, {"envelope": "e"}, "<e><a>1</a><a>2</a></e>"),
        ([1, {"b": 2}], {"envelope": "e"}, "<e><item>1</item><item><b>2</b></item></e>"),
        ([1], {"envelope": "e", "item": "i"}, "<e><i>1</i></e>"),
        ({}, {"envelope": "e"}, "<e/>"),
        ([], {"envelope": "e"}, "<e/>"),
        ("x", {"envelope": "e"}, "<e>x</e>"),
        ({"a": [True]}, {"envelope": "e", "typed": True}, '<e><a json_type="bool" force_list="true">true</a></e>'),
        ({"a": "<b>c</b>"}, {}, "<a>&lt;b&gt;c&lt;/b&gt;</a>"),
        ({"a": {"@id": '"><x/>', "#text": "]]><x/>"}}, {}, '<a id="&quot;&gt;&lt;x/&gt;">]]&gt;&lt;x/&gt;</a>'),
    ],
)
def test_json_becomes_xml_and_text_never_markup(value: Any, given: dict[str, Any], text: str) -> None:
    event = JSONEvent(value, service="s", attributes={"kept": 1})
    assert result(DictToXML, event, **given).encoded() == ("x", text.encode())


@pytest.mark.parametrize("key", ["a b", "1a", "x:y", "a><b", "", "a/>"])
def test_a_key_that_is_no_name_fails_the_event(key: str) -> None:
    found = failure(DictToXML, JSONEvent({"r": {key: 1}}))
    assert (found.kind, found.status) == ("ConversionError", 400)


def test_what_xml_has_no_characters_for_and_what_is_too_deep_fails_the_event() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    assert "cannot stand in XML" in failure(DictToXML, JSONEvent({"a": "\x00"})).message
    assert "more than 256 levels" in failure(DictToXML, JSONEvent(deep)).message


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"envelope": "a b"}, "envelope"),
        ({"envelope": "#text"}, "envelope"),
        ({"item": ""}, "item"),
        ({"always": True}, "always"),
    ],
)
def test_names_that_no_element_can_have_are_found_before_anything_starts(given: dict[str, Any], path: str) -> None:
    [problem] = DictToXML.check(params.build(DictToXML.Params, given))
    assert problem.path == path
    assert list(DictToXML.check(params.build(DictToXML.Params, {"envelope": "e"}))) == []


KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.integers() | st.booleans() | st.none() | st.text(st.characters(categories=("L", "N")), max_size=4),
    lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=3) | st.lists(inner, min_size=2, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_typed_json_comes_back_as_it_was(value: Any) -> None:
    there = result(DictToXML, JSONEvent(value), typed=True, envelope="e", always=True)
    assert result(XMLToDict, there, typed=True, envelopes=["e"]).data == value


def test_what_is_known_about_an_event_becomes_its_data() -> None:
    http = Http(headers={"host": "h", "authorization": "Basic c2VjcmV0"}, query={"a b": ["1"]}, user="ann")
    event = Event(b"\xff", service="s", attributes={"a": [1, {"b": None}], "kept": 1}, http=http)
    event.failure = Failure("NotFound", "no <a>", 404, "x")
    made = result(PropertiesToXML, event).convert(XMLEvent).data
    assert (made.findtext("id"), made.findtext("trace"), made.findtext("service")) == (event.id, event.trace, "s")
    assert [one.text for one in made.findall("attributes/a")] == ["1", None]
    assert made.findtext("failure/message") == "no <a>"
    assert made.find("http/query").attrib["name"] == "a b"
    assert "c2VjcmV0" not in "".join(made.itertext())


def test_attributes_alone_stand_right_in_the_root() -> None:
    event = JSONEvent({"x": 1}, attributes={"kept": True, "raw": b"\xffa", "n": {"k": 2}})
    made = result(PropertiesToXML, event, attributes_only=True, root="p", typed=True)
    assert made.text() == ('<p><kept json_type="bool">true</kept><raw>\ufffda</raw><n><k json_type="int">2</k></n></p>')
    assert failure(PropertiesToXML, Event(attributes={"a b": 1})).status == 400
    [problem] = PropertiesToXML.check(params.build(PropertiesToXML.Params, {"root": "@a"}))
    assert problem.path == "root"
