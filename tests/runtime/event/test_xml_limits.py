"""What an element may have, and namespaces on the way between XML and JSON."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit.errors import ConversionError
from actorkit.event import xml
from actorkit.event.xml_json import MAX_ATTRIBUTES, MAX_NAMESPACES


def attributes(count: int) -> str:
    return " ".join(f'a{number}="1"' for number in range(count))


def namespaces(count: int) -> str:
    return " ".join(f'xmlns:a{number}="u{number}"' for number in range(count))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-7", "utf-7"])
def test_an_element_has_so_many_attributes_and_no_more(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    many = f"{declared}<r><a/><b {attributes(MAX_ATTRIBUTES)}/></r>"
    assert len(xml.parse(many.encode(encoding))[1].attrib) == MAX_ATTRIBUTES
    with pytest.raises(ConversionError, match="256 attributes"):
        xml.parse(f"{declared}<r><a/><b {attributes(MAX_ATTRIBUTES + 1)}/></r>".encode(encoding))


def test_so_many_namespaces_are_declared_around_a_place_and_no_more() -> None:
    half = MAX_NAMESPACES // 2
    inner = namespaces(MAX_NAMESPACES - half).replace("xmlns:a", "xmlns:b")
    document = f"<r {namespaces(half)}>" + f"<b {inner}/>" * 3 + "</r>"
    assert len(xml.parse(document.encode())) == 3
    for bad in (f"<r {namespaces(MAX_NAMESPACES + 1)}/>", document.replace("<r ", '<r xmlns="x" ')):
        with pytest.raises(ConversionError, match="100 namespaces"):
            xml.parse(bad.encode())


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": {f"@a{n}": "1" for n in range(MAX_ATTRIBUTES + 1)}}, "256 attributes"),
        ({"a": {f"@xmlns:a{n}": "u" for n in range(MAX_NAMESPACES + 1)}}, "100 namespaces"),
        ({"a b" * 1000: 1}, "cannot be a name"),
    ],
)
def test_json_that_would_become_such_xml_is_refused_in_a_short_sentence(value: Any, says: str) -> None:
    with pytest.raises(ConversionError, match=says) as caught:
        xml.from_json(value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (
            '<p:a xmlns:p="u" p:x="1"><p:b xmlns:p="v" p:x="2"/><p:c p:x="3"/></p:a>',
            {"p:a": {"@xmlns:p": "u", "@p:x": "1", "p:b": {"@xmlns:p": "v", "@p:x": "2"}, "p:c": {"@p:x": "3"}}},
        ),
        ('<a xmlns="u"><b xmlns="u"/></a>', {"a": {"@xmlns": "u", "b": None}}),
        ('<a xmlns="u" xmlns:p="u" p:x="1"/>', {"a": {"@xmlns": "u", "@xmlns:p": "u", "@p:x": "1"}}),
        ('<a xml:lang="de">1<!--c-->2<?p?>3</a>', {"a": {"@xml:lang": "de", "#text": "123"}}),
    ],
)
def test_prefixes_are_those_of_the_place(document: str, value: Any) -> None:
    assert xml.to_json(xml.parse(document.encode())) == value


def test_an_element_inside_brings_the_namespaces_around_it() -> None:
    root = xml.parse(b'<a xmlns:p="u"><p:b><c/></p:b></a>')
    assert xml.to_json(root[0]) == {"p:b": {"@xmlns:p": "u", "c": None}}
