from __future__ import annotations

import inspect
import json
import socket
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit.errors import ConversionError
from actorkit.event import xml


def as_xml(value: Any) -> str:
    return xml.serialise(xml.from_json(value)).decode()


def as_json(text: str) -> Any:
    return xml.to_json(xml.parse(text.encode()))


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A port that notices whether anyone connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.0)
        yield listener


AK = 'xmlns:ak="urn:actorkit:json"'


@pytest.mark.parametrize(
    ("value", "xml"),
    [
        ({"a": 1}, "<a>1</a>"),
        ({"a": True}, "<a>true</a>"),
        ({"a": None}, "<a/>"),
        ({"a": 1.5}, "<a>1.5</a>"),
        ({"a": {"b": [1, 2]}}, "<a><b>1</b><b>2</b></a>"),
        ({"a": {"@id": "7", "#text": "x"}}, '<a id="7">x</a>'),
        ({"n:a": {"@xmlns:n": "u", "@n:k": 1, "n:b": 2}}, '<n:a xmlns:n="u" n:k="1"><n:b>2</n:b></n:a>'),
        ({"a": {"@xmlns": "u", "b": "c"}}, '<a xmlns="u"><b>c</b></a>'),
        ({"a": 1, "b": 2}, f"<ak:object {AK}><a>1</a><b>2</b></ak:object>"),
        ({"a": [1, 2]}, f"<ak:object {AK}><a>1</a><a>2</a></ak:object>"),
        ({}, f"<ak:object {AK}/>"),
        ([], f"<ak:list {AK}/>"),
        ([1, 2], f"<ak:list {AK}><ak:item>1</ak:item><ak:item>2</ak:item></ak:list>"),
        (5, f"<ak:value {AK}>5</ak:value>"),
    ],
)
def test_a_json_value_has_one_spelling_in_xml(value: Any, xml: str) -> None:
    assert as_xml(value) == xml


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<a/>", {"a": None}),
        ("<a> 1 </a>", {"a": "1"}),
        ('<a x="1">t<b/>u</a>', {"a": {"@x": "1", "b": None, "#text": "tu"}}),
        ("<a><b>1</b><c/><b>2</b></a>", {"a": {"b": ["1", "2"], "c": None}}),
        ("<a><!-- no --><b>1</b><?no no?></a>", {"a": {"b": "1"}}),
        ("<a><b>1</b><!-- c -->x</a>", {"a": {"b": "1", "#text": "x"}}),
        ("<a><![CDATA[<b>]]></a>", {"a": "<b>"}),
        ('<n:a xmlns:n="u"><n:b>1</n:b></n:a>', {"n:a": {"@xmlns:n": "u", "n:b": "1"}}),
        ('<a xml:lang="de">x</a>', {"a": {"@xml:lang": "de", "#text": "x"}}),
    ],
)
def test_xml_has_one_spelling_in_json(xml: str, value: Any) -> None:
    assert as_json(xml) == value


@pytest.mark.parametrize(
    "value",
    [
        {"a": "1", "b": "2"},
        {"a": ["1", "2"]},
        {},
        [],
        ["1"],
        ["1", ["2", {"x": "3"}]],
        {"a": [["1"], ["2", "3"]]},
        "text",
    ],
)
def test_a_value_without_a_single_root_comes_back_from_xml(value: Any) -> None:
    assert as_json(as_xml(value)) == value


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1).filter(
    lambda text: text.strip(" \t\r\n") == text
)
NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,8}", fullmatch=True)
VALUES = st.recursive(
    TEXTS | st.none(),
    lambda inner: st.lists(inner, min_size=2, max_size=4) | st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=12,
)


@given(VALUES.filter(lambda value: value is not None))
def test_texts_objects_and_longer_lists_survive_the_way_through_xml(value: Any) -> None:
    assert as_json(as_xml(value)) == value


@given(st.text())
def test_no_text_ever_becomes_markup(text: str) -> None:
    try:
        root = xml.from_json({"a": text})
    except ConversionError:
        return
    assert len(xml.parse(xml.serialise(root))) == 0


def test_text_that_looks_like_markup_stays_text() -> None:
    assert as_xml({"a": "<b>c</b>]]>&amp;"}) == "<a>&lt;b&gt;c&lt;/b&gt;]]&gt;&amp;amp;</a>"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"1a": 2}, '"1a" cannot be a name in XML'),
        ({"a b": 2}, '"a b" cannot be a name in XML'),
        ({"a><b": 2}, "cannot be a name in XML"),
        ({"": 2}, "cannot be a name in XML"),
        ({"x:a": 1}, 'no "@xmlns:x" declares it'),
        ({"a": {"@b": {}}}, 'the value of "@b" must be a text'),
        ({"a": "\x00"}, "cannot stand in XML"),
        ({"a": {"@b": "\x01"}}, "cannot stand in XML"),
    ],
)
def test_what_xml_cannot_say_is_refused_with_its_name(value: Any, says: str) -> None:
    with pytest.raises(ConversionError, match=says):
        xml.from_json(value)


def test_nesting_has_an_end_in_both_directions() -> None:
    value: Any = "x"
    for _ in range(300):
        value = {"a": value}
    with pytest.raises(ConversionError, match="256 levels"):
        xml.from_json(value)
    with pytest.raises(ConversionError, match="depth"):
        xml.parse(b"<a>" * 300 + b"</a>" * 300)


def test_nesting_is_written_whatever_is_left_of_the_stack() -> None:
    def write(frames: int) -> str:
        return as_xml(value) if not frames else write(frames - 1)

    value: Any = "x"
    for number in range(250):
        value = {"a": value} if number % 2 else {"a": [[value], value]} if number < 8 else {"a": [value]}
    left = sys.getrecursionlimit() - len(inspect.stack(0))
    assert write(left - 100) == write(0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"text", "line 1, column 1"),
        (b"<a>\n<b>\n</a>", "line 3"),
        (b"<a>\xff</a>", "line 1"),
        (b"<a/><b/>", "line 1"),
    ],
)
def test_a_broken_document_is_refused_with_its_place(content: bytes, says: str) -> None:
    with pytest.raises(ConversionError, match=f"the data is not XML: .*{says}"):
        xml.parse(content)


def test_an_external_entity_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    document = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'
    with pytest.raises(ConversionError, match='declares the entity "x"'):
        xml.parse(document.encode())


def test_neither_entities_nor_a_dtd_are_fetched(server: socket.socket) -> None:
    url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
    for document in (
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "{url}">]><a>&x;</a>',
        f'<!DOCTYPE a [<!ENTITY % x SYSTEM "{url}">%x;]><a/>',
        f'<!DOCTYPE a PUBLIC "p" "{url}"><a>&x;</a>',
    ):
        with pytest.raises(ConversionError, match="entity"):
            xml.parse(document.encode())
    assert xml.parse(f'<!DOCTYPE a SYSTEM "{url}"><a/>'.encode()).tag == "a"
    with pytest.raises(BlockingIOError):
        server.accept()


@pytest.mark.parametrize("use", ["<a>&j;</a>", '<a b="&j;"/>'])
def test_an_entity_bomb_is_refused(use: str) -> None:
    names = "abcdefghij"
    declared = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names))
    with pytest.raises(ConversionError):
        xml.parse(f'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">{declared}]>{use}'.encode())


def test_a_document_with_a_doctype_is_passed_on_without_it() -> None:
    root = xml.parse(b'<!DOCTYPE cXML SYSTEM "cXML.dtd"><cXML/>')
    assert xml.serialise(root) == b"<cXML/>"


def test_the_encoding_of_a_document_is_its_own_unless_it_is_told() -> None:
    latin = '<?xml version="1.0" encoding="iso-8859-1"?><a>\u00e4</a>'
    assert xml.parse(latin.encode("latin-1")).text == "\u00e4"
    assert xml.parse(latin.encode(), "utf-8").text == "\u00e4"
    with pytest.raises(ConversionError, match="not XML"):
        xml.parse(b"<a/>", "no-such-encoding")


def test_an_element_is_written_without_what_follows_it() -> None:
    root = xml.parse(b"<a><b>1</b>tail</a>")
    assert xml.serialise(root[0]) == b"<b>1</b>"
    assert xml.serialise(root.getroottree()) == b"<a><b>1</b>tail</a>"


def test_the_rules_in_the_documentation_are_the_rules() -> None:
    text = '<order id="7"><item>a</item><item>b</item><note/></order>'
    assert as_json(text) == json.loads('{"order": {"@id": "7", "item": ["a", "b"], "note": null}}')
