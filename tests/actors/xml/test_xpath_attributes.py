from __future__ import annotations

import time
from typing import Any

import pytest

from actorkit import Event, XMLEvent, params
from actorkit.testing import Harness
from actorkit_actors.xml.xpath_attributes import XPathAttributes

ORDER = (
    '<?xml version="1.0"?><o:order xmlns:o="urn:o" xmlns="urn:d" o:id="7"><item n="1">tea</item><item n="2">ü</item>'
    "<sub><x/></sub><empty/><total>12.5</total></o:order>"
)


def found(expression: str, data: str = ORDER, **given: Any) -> Any:
    harness = Harness(XPathAttributes, attributes={"a": expression}, **given)
    harness.put(Event(data, attributes={"kept": 1}))
    assert [failed.failure for failed in harness.errors] == []
    [event] = harness.taken()
    assert event.encoded() == ("t", data.encode())
    assert event.get("kept") == 1
    return event.get("a")


def failure(expression: str, data: str, **given: Any) -> Any:
    harness = Harness(XPathAttributes, attributes={"a": expression}, **given)
    harness.put(Event(data))
    assert harness.taken() == []
    return harness.errors[0].failure


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("/o:order/@o:id", "7"),
        ("//default:item", ["tea", "ü"]),
        ("//default:item[2]", "ü"),
        ("//default:item/text()", ["tea", "ü"]),
        ("//default:item/@n", ["1", "2"]),
        ("//default:empty", ""),
        ("//default:nothing", None),
        ("count(//default:item)", 2),
        ("number(//default:total)", 12.5),
        ("string(//default:item)", "tea"),
        ("boolean(//default:item)", True),
        ("//default:sub", '<sub xmlns="urn:d" xmlns:o="urn:o"><x/></sub>'),
        ("name(/*)", "o:order"),
    ],
)
def test_an_attribute_is_what_the_expression_finds(expression: str, value: Any) -> None:
    assert found(expression) == value


def test_a_prefix_means_what_the_parameters_say_before_what_the_document_says() -> None:
    assert found("//p:item[1]", namespaces={"p": "urn:d"}) == "tea"
    assert found("//o:item[1]", namespaces={"o": "urn:d"}) == "tea"
    assert 'for the attribute "a" fails: Undefined namespace prefix' in failure("//q:item", ORDER).message


def test_json_is_looked_at_as_xml_and_goes_on_as_json() -> None:
    harness = Harness(XPathAttributes, attributes={"n": "count(//b)"})
    harness.put(Event({"a": {"b": [1, 2]}}))
    [event] = harness.taken()
    assert (event.get("n"), event.data) == (2, {"a": {"b": [1, 2]}})


def test_what_is_not_found_fails_the_event_where_it_is_required() -> None:
    assert failure("//x", "<a/>", required=True).message == '"//x" for the attribute "a" finds nothing'
    assert found("string(//x)", "<a/>", required=True) == ""


@pytest.mark.parametrize("expression", ["//[", "", "a b", "1 +"])
def test_an_expression_that_is_none_is_found_before_anything_starts(expression: str) -> None:
    [problem] = XPathAttributes.check(params.build(XPathAttributes.Params, {"attributes": {"a": expression}}))
    assert problem.path == "attributes.a"
    assert "is no XPath expression" in problem.message


def test_nothing_outside_is_read_and_no_pattern_is_matched() -> None:
    assert "fails" in failure("document('/etc/passwd')", "<a/>").message
    regexp = {"re": "http://exslt.org/regular-expressions"}
    assert "fails" in failure("re:test(/a, '(a+)+$')", "<a/>", namespaces=regexp).message
    bomb = "<!DOCTYPE a [<!ENTITY x SYSTEM '/etc/passwd'>]><a>&x;</a>"
    assert 'declares the entity "x"' in failure("/a", bomb).message


def test_a_document_above_max_elements_is_refused_before_an_expression_that_would_never_end_sees_it() -> None:
    quadratic, many = "count(//a[not(. = preceding-sibling::a)])", 2_000_000
    started = time.process_time()
    found = failure(quadratic, f"<r>{'<a/>' * many}</r>")
    assert found.message == "the document has 2000001 elements; this actor takes at most 20000 (max_elements)"
    assert time.process_time() - started < 10


def test_documents_with_ever_new_namespaces_fill_no_memory() -> None:
    harness = Harness(XPathAttributes, attributes={"a": "count(//*)"})
    for number in range(300):
        harness.put(XMLEvent(f'<a xmlns="urn:{number}"/>'))
    assert len(harness.taken()) == 300
    assert len(harness.actor.compiled) <= 64
