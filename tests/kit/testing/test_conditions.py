"""Conditions: what an event has to be, and what is said where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit_kit.testing.conditions import complaint_about
from actorkit_kit.testing.messages import Failed, Sighting
from actorkit_kit.topology.case import Data, Expectation

XML = Sighting("a.b", "x", b'<o:ack xmlns:o="urn:o"><n>1</n><n>2</n><t c="EUR">12.50</t></o:ack>', status=201)
JSON = Sighting("a.b", "j", b'{"name": "tea", "prices": [1, 2.5], "sold": true, "none": null}', {"key": 7})
FAILED = Sighting("a.error", "t", b"hello", {}, 422, Failed("place", "Unprocessable", "too large", 422))
ANSWER = Sighting("", "t", b"hello", {}, 200, None, {"x-trace": "1"})


def complaint(sighting: Sighting, **conditions: Any) -> str:
    return complaint_about(Expectation("from", None, (), **conditions), sighting)


@pytest.mark.parametrize(
    ("sighting", "conditions"),
    [
        (
            XML,
            {
                "xpath": {
                    "/o:ack/t": 12.5,
                    "/o:ack/t/@c": "EUR",
                    "//n": ["1", "2"],
                    "count(//n)": 2,
                    "name(/*)": "o:ack",
                }
            },
        ),
        (XML, {"status": 201, "matches": "c=.EUR"}),
        (XML, {"data": Data(f"{XML.content.decode().replace('><', '> <')}", format="x")}),
        (
            JSON,
            {"json": {"$.name": "tea", "$.prices[*]": [1, 2.5], "$.prices": [1, 2.5], "$.sold": True, "$.none": None}},
        ),
        (
            JSON,
            {"data": Data({"none": None, "sold": True, "prices": [1, 2.5], "name": "tea"}), "attributes": {"key": 7}},
        ),
        (FAILED, {"status": 422, "message": "^too"}),
        (ANSWER, {"status": 200, "headers": {"X-Trace": "1"}, "data": Data("hello\n")}),
    ],
)
def test_what_holds_is_no_matter(sighting: Sighting, conditions: dict[str, Any]) -> None:
    assert complaint(sighting, **conditions) == ""


@pytest.mark.parametrize(
    ("sighting", "conditions", "told"),
    [
        (XML, {"xpath": {"/o:ack/t": 12}}, '/o:ack/t is "12.50", not 12'),
        (XML, {"xpath": {"/o:ack/away": "x"}}, '/o:ack/away is not there, not "x"'),
        (XML, {"json": {"$[": 1}}, "the data cannot be read: "),
        (XML, {"data": Data("<ack/>", format="x")}, "the data is another:\n"),
        (JSON, {"json": {"$.sold": 1}}, "$.sold is true, not 1"),
        (JSON, {"json": {"$.prices[*]": [1]}}, "$.prices[*] is 1, 2.5, not [1]"),
        (JSON, {"attributes": {"key": 8}}, 'the attribute "key" is 7, not 8'),
        (JSON, {"attributes": {"other": 8}}, 'there is no attribute "other"'),
        (JSON, {"xpath": {"/away/b": 1}}, "/away/b is not there"),
        (JSON, {"data": Data({"name": "pot"})}, '  -   "name": "pot"'),
        (FAILED, {"status": 500}, "the status is 422, not 500"),
        (FAILED, {"message": "small"}, 'the message is "too large", which "small" does not match'),
        (ANSWER, {"headers": {"x-trace": "2"}}, 'the header field "x-trace" is "1", not "2"'),
        (ANSWER, {"matches": "^lo"}, '"^lo" matches nothing in it'),
        (ANSWER, {"json": {"$": 1}}, "the data cannot be read: the data is not JSON"),
    ],
)
def test_what_does_not_hold_is_told_with_what_there_is(
    sighting: Sighting, conditions: dict[str, Any], told: str
) -> None:
    assert told in complaint(sighting, **conditions)
