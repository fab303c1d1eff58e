from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from actorkit.errors import ConversionError, UnsendableData
from actorkit.event import body

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("data", "dumped"),
    [
        (None, ("n", b"")),
        (b"x", ("b", b"x")),
        (bytearray(b"x"), ("b", b"x")),
        (memoryview(b"x"), ("b", b"x")),
        ("ä", ("t", "ä".encode())),
        ({"a": 1}, ("j", b'{"a":1}')),
        ([1, None], ("j", b"[1,null]")),
        ((1,), ("j", b"[1]")),
        (1.5, ("j", b"1.5")),
        (True, ("j", b"true")),
        (0, ("j", b"0")),
        (etree.fromstring("<a><b/></a>"), ("x", b"<a><b/></a>")),
        (etree.ElementTree(etree.fromstring("<a/>")), ("x", b"<a/>")),
    ],
)
def test_a_value_travels_in_one_format(data: Any, dumped: tuple[str, bytes]) -> None:
    assert body.dump(data) == dumped
    assert body.format_of(data) == dumped[0]


@pytest.mark.parametrize("data", [object(), {1, 2}, lambda: None])
def test_what_cannot_travel_is_refused(data: Any) -> None:
    with pytest.raises(ConversionError, match="cannot be the data of an event"):
        body.dump(data)


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(ConversionError, match="cannot be written as JSON"):
        body.dump({"a": object()})
    with pytest.raises(ConversionError, match="cannot be written as JSON"):
        body.dump({"a": {"b": "\ud800"}})


def test_a_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(ConversionError, match="text"):
        body.dump("\ud800")


@given(JSON_VALUES.filter(lambda value: isinstance(value, dict | list)))
def test_json_values_come_back_as_they_went(value: Any) -> None:
    assert body.load(*body.dump(value), None) == value


@pytest.mark.parametrize(
    ("format_", "content", "wanted", "data"),
    [
        ("n", b"", None, None),
        ("n", b"", "b", b""),
        ("n", b"", "t", ""),
        ("n", b"", "j", None),
        ("b", b"\xff", None, b"\xff"),
        ("b", b'{"a":1}', "j", {"a": 1}),
        ("b", b"x", "t", "x"),
        ("t", b"[1]", "j", [1]),
        ("t", b"x", "b", b"x"),
        ("j", b'{"a":1}', "t", '{"a":1}'),
        ("j", b'{"a":1}', "b", b'{"a":1}'),
        ("x", b"<a>1</a>", "j", {"a": "1"}),
        ("x", b"<a/>", "t", "<a/>"),
    ],
)
def test_a_body_is_read_as_what_is_wanted(format_: str, content: bytes, wanted: str | None, data: Any) -> None:
    assert body.load(format_, content, wanted) == data


@pytest.mark.parametrize(
    ("format_", "content", "xml"),
    [
        ("x", b"<a/>", b"<a/>"),
        ("b", b"<a/>", b"<a/>"),
        ("t", '<?xml version="1.0" encoding="latin-1"?><a>ä</a>'.encode(), "<a>ä</a>".encode()),
        ("j", b'{"a":{"b":[1,2]}}', b"<a><b>1</b><b>2</b></a>"),
    ],
)
def test_a_body_is_read_as_xml(format_: str, content: bytes, xml: bytes) -> None:
    assert body.dump(body.load(format_, content, "x")) == ("x", xml)


@pytest.mark.parametrize(
    ("format_", "content", "wanted", "says"),
    [
        ("n", b"", "x", "must have a root element"),
        ("b", b"\xff", "t", "not UTF-8: .* at byte 0"),
        ("b", b"", "j", "not JSON"),
        ("t", b"text", "j", "not JSON"),
        ("t", b"text", "x", "not XML"),
        ("j", b"{}}", None, "not JSON"),
        ("j", b'{"a":\n1,}', None, "line 2"),
        ("j", b"[" * 100_000, None, "not JSON"),
        ("j", b'{"a": "\xff"}', None, "not JSON"),
        ("j", b"{}", "?", '"\\?" is not a body format'),
        ("?", b"", None, 'unknown format "\\?"'),
    ],
)
def test_what_cannot_be_read_says_why(format_: str, content: bytes, wanted: str | None, says: str) -> None:
    with pytest.raises(ConversionError, match=says):
        body.load(format_, content, wanted)


@given(st.binary(), st.sampled_from([None, "b", "t", "j", "x"]), st.sampled_from(["n", "b", "t", "j", "x"]))
def test_no_content_raises_anything_but_a_conversion_error(content: bytes, wanted: str | None, format_: str) -> None:
    failure = None
    try:
        body.load(format_, content, wanted)
    except ConversionError as exc:
        failure = exc
    assert failure is None or (failure.status, "\n" in failure.message) == (400, False)


@given(JSON_VALUES)
def test_json_is_json_for_others_too(value: Any) -> None:
    format_, content = body.dump(value)
    if format_ == body.JSON:
        assert json.loads(content) == value


def test_checked_leaves_what_fits_alone() -> None:
    root = etree.fromstring("<a/>")
    assert body.to_data(root, "x") is root
    value = {"a": 1}
    assert body.to_data(value, "j") is value
    assert body.to_data(value, None) is value
    assert body.to_data("<a/>", "x").tag == "a"
    assert body.to_data(b"[1]", "j") == [1]
    assert body.to_data(None, "j") is None
    assert body.to_data("text", "j") == "text"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_whole_number_is_exact_or_refused(sign: int) -> None:
    longest = sign * (10**4299 - 1)
    assert body.parse_json(body.dump([longest])[1]) == [longest]
    with pytest.raises(ConversionError):
        body.parse_json(b"[" + b"-" * (sign < 0) + b"1" * 20_000 + b"]")
    with pytest.raises(UnsendableData):
        body.dump([sign * 10**20_000])


def test_json_may_have_one_byte_order_mark() -> None:
    assert body.parse_json(b"\xef\xbb\xbf[1]") == [1]
    for marks in (2, 1_200):
        with pytest.raises(ConversionError, match=r"is not JSON: .* at line 1, column 1"):
            body.parse_json(b"\xef\xbb\xbf" * marks + b"[1]")


def test_data_of_any_depth_can_be_sent_or_is_refused() -> None:
    value: Any = "deep"
    for _ in range(1_100):  # Python's stack ends at one of them, in the writing, the reading or the comparison.
        value = [value]
        with contextlib.suppress(UnsendableData):
            body.dump(value)
