"""csv, lines, msgpack and template."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import Actor, Event, JSONEvent, XMLEvent, params
from actorkit.testing import Harness
from actorkit_actors.json.csv import CSV
from actorkit_actors.json.lines import Lines
from actorkit_actors.json.msgpack import MsgPack
from actorkit_actors.json.template import Template


def made(cls: type[Actor], event: Event, **given: Any) -> list[Event]:
    harness = Harness(cls, **given)
    harness.put(event)
    assert [failed.failure for failed in harness.errors] == []
    found = harness.taken()
    assert all(one.trace == event.trace for one in found)
    return found


def failure(cls: type[Actor], event: Event, **given: Any) -> str:
    harness = Harness(cls, **given)
    harness.put(event)
    assert harness.taken() == []
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 400
    return failed.failure.message


@pytest.mark.parametrize(
    ("text", "given", "data"),
    [
        ("a,b\r\n1,x\r\n2,\n", {}, [{"a": "1", "b": "x"}, {"a": "2", "b": ""}]),
        ('\ufeffa\n"x,""y\n"', {}, [{"a": 'x,"y\n'}]),
        ("1;2\n", {"header": False, "delimiter": ";"}, [["1", "2"]]),
        ("1,2\n", {"header": False, "columns": ["a", "b"]}, [{"a": "1", "b": "2"}]),
        ("a,b\n1,2\n", {"columns": ["b"]}, [{"b": "2"}]),
        ("", {}, []),
    ],
)
def test_csv_becomes_json(text: str, given: dict[str, Any], data: Any) -> None:
    assert made(CSV, Event(text), **given)[0].convert(JSONEvent).data == data


@pytest.mark.parametrize(
    ("data", "given", "text"),
    [
        ([{"a": 1, "b": None}, {"a": 'x,"'}], {}, 'a,b\r\n1,\r\n"x,""",\r\n'),
        ([{"a": 1, "b": 2}], {"columns": ["b", "c"]}, "b,c\r\n2,\r\n"),
        ([[1, "x\ny"]], {}, '1,"x\ny"\r\n'),
        ([{"a": "=cmd()"}], {"formulas": False}, "a\r\n'=cmd()\r\n"),
        ([], {}, ""),
    ],
)
def test_json_becomes_csv(data: Any, given: dict[str, Any], text: str) -> None:
    assert made(CSV, JSONEvent(data), to="csv", **given)[0].data == text


@pytest.mark.parametrize(
    ("event", "given", "says"),
    [
        (Event("a,b\n1\n"), {}, "line 2 has 1 values for 2 columns"),
        (Event("a,a\n1,2\n"), {}, "two columns"),
        (Event('a\n"x'), {}, "line 2 is no CSV"),
        (Event(b"\xff"), {}, "not UTF-8"),
        (Event("a\n1\n2\n3\n"), {"max_rows": 2}, "more than 2 rows"),
        (Event([1]), {}, "no text"),
        (JSONEvent([1]), {"to": "csv"}, "row 0 is neither"),
        (JSONEvent([{"a": 1}, {"b": 1}]), {"to": "csv"}, "row 1 has the column 'b'"),
        (Event("a\n" + "x" * 200_000), {}, "field larger than field limit"),
    ],
)
def test_what_is_no_table_fails_the_event(event: Event, given: dict[str, Any], says: str) -> None:
    assert says in failure(CSV, event, **given)


CELLS = st.text(st.characters(codec="utf-8"), max_size=5)


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b,": CELLS}), min_size=1, max_size=4))
def test_a_table_comes_back_from_csv(rows: list[dict[str, str]]) -> None:
    there = made(CSV, JSONEvent(rows), to="csv")[0]
    assert made(CSV, there)[0].data == rows


def test_lines_become_events_or_a_list_and_a_text_again() -> None:
    text = Event("a\r\n\nü\n", attributes={"kept": 1})
    assert [(e.data, e.get("line"), e.get("kept")) for e in made(Lines, text)] == [("a", 0, 1), ("ü", 1, 1)]
    [listed] = made(Lines, text, to="list")
    assert listed.data == ["a", "ü"]
    assert made(Lines, listed, to="text")[0].data == "a\nü\n"
    rows = Event('{"a":1}\n[2]\n"x"\n')
    assert [e.convert(JSONEvent).data for e in made(Lines, rows, json=True)] == [{"a": 1}, [2], "x"]
    [listed] = made(Lines, rows, json=True, to="list")
    assert made(Lines, listed, json=True, to="text")[0].data == rows.data


def test_what_has_no_lines_fails_the_event() -> None:
    assert "line 2 of the text: the data is not JSON" in failure(Lines, Event("1\n{\n"), json=True)
    assert "more than 2 lines" in failure(Lines, Event("1\n2\n3"), max_lines=2)
    assert len(made(Lines, Event("1\n2\n"), max_lines=2)) == 2
    assert "value 1 of the list has a line break" in failure(Lines, JSONEvent(["a", "b\nc"]), to="text")
    assert "no list" in failure(Lines, JSONEvent({}), to="text")
    assert "not UTF-8" in failure(Lines, Event(b"\xff"))


@given(st.recursive(st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.text(), st.lists))
def test_json_comes_back_from_msgpack(value: Any) -> None:
    there = made(MsgPack, JSONEvent(value), to="msgpack")[0]
    assert made(MsgPack, there)[0].convert(JSONEvent).data == value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xc1", "no MessagePack"),
        (b"", "no MessagePack"),
        (b"\x91" * 100_000, "no MessagePack"),
        (b"\xdd\xff\xff\xff\xff", "no MessagePack"),
        (msgspec.msgpack.encode({1: 2}), "has the key 1"),
        (msgspec.msgpack.encode([b"x"]), "data[0] is bytes"),
        (msgspec.msgpack.encode(float("nan")), "is nan"),
        (msgspec.msgpack.encode(msgspec.msgpack.Ext(5, b"x")), "cannot become JSON"),
    ],
)
def test_what_is_no_msgpack_or_no_json_fails_the_event(data: bytes, says: str) -> None:
    assert says in failure(MsgPack, Event(data))
    assert "cannot be written as MessagePack" in failure(MsgPack, JSONEvent([1 << 70]), to="msgpack")


@pytest.mark.parametrize(
    ("template", "given", "encoded"),
    [
        ("Dear {{ data.name }}!\n", {}, ("t", b"Dear <Ann>!\n")),
        ("{% for i in data.l %}{{ i }};{% endfor %}{{ attributes.k }}", {}, ("t", b"1;2;v")),
        ("<a n='{{ data.name }}'>{{ data.name }}</a>", {"to": "xml"}, ("x", b'<a n="&lt;Ann&gt;">&lt;Ann&gt;</a>')),
        ('{"n": {{ data.name | tojson }}}', {"to": "json"}, ("j", b'{"n":"<Ann>"}')),
        ("{% include 'p' %}", {"templates": {"p": "[{{ data.name }}]"}}, ("t", b"[<Ann>]")),
    ],
)
def test_a_template_makes_the_new_data(template: str, given: dict[str, Any], encoded: Any) -> None:
    event = JSONEvent({"name": "<Ann>", "l": [1, 2]}, attributes={"k": "v"})
    assert made(Template, event, template=template, **given)[0].encoded() == encoded


def test_xml_is_seen_as_json_and_data_is_never_a_template() -> None:
    assert made(Template, XMLEvent("<a><b>{{ 7*7 }}</b></a>"), template="{{ data.a.b }}")[0].data == "{{ 7*7 }}"
    hostile = "'); {% for %} {{ ''.__class__ }}"
    assert made(Template, JSONEvent({"a": hostile}), template="{{ data.a }}")[0].data == hostile


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ data.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ data['__class__'].x }}",
        "{% for i in range(999999999) %}{% endfor %}",
        "{{ data.update({'a': 1}) }}",
        "{{ '{0.__class__}'.format(data) }}",
        "{% include '/etc/passwd' %}",
        "{{ data.nothing }}",
    ],
)
def test_a_template_does_not_leave_its_sandbox(template: str) -> None:
    assert failure(Template, JSONEvent({"a": 1}), template=template).startswith("the template: ")


def test_a_text_that_is_too_long_or_not_what_it_says_fails_the_event() -> None:
    long = "{% for i in range(10000) %}{{ data }}{% endfor %}"
    assert "longer than 1000 bytes" in failure(Template, JSONEvent("xx"), template=long, max_output_bytes=1000)
    assert "not XML" in failure(Template, JSONEvent({}), template="<a>", to="xml")
    assert "not JSON" in failure(Template, JSONEvent('", "admin": true, "'), template='{"n": {{ data }}}', to="json")


@pytest.mark.parametrize(
    ("cls", "given", "path"),
    [
        (Template, {"template": "{% if %}"}, "template"),
        (Template, {"template": "{{ a | nothing }}"}, "template"),
        (Template, {"template": "", "templates": {"x": "{{"}}, "templates"),
        (CSV, {"delimiter": '"'}, "delimiter"),
    ],
)
def test_a_mistake_is_found_before_anything_starts(cls: Any, given: dict[str, Any], path: str) -> None:
    [problem] = cls.check(params.build(cls.Params, given))
    assert problem.path == path
