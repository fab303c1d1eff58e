"""The actors that choose a way by the request, and status and header of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit import Actor, Event, Http, JSONEvent, params
from actorkit.event.context import Failure
from actorkit.testing import Harness
from actorkit_actors.http.http_headers import HTTPHeaders
from actorkit_actors.http.http_method_router import HTTPMethodRouter
from actorkit_actors.http.http_status import HTTPStatus
from actorkit_actors.http.rest_translator import RESTTranslator


def changed(cls: type[Actor], event: Event, **given: Any) -> Http:
    with Harness(cls, **given) as harness:
        harness.put(event)
        assert [failed.failure for failed in harness.errors] == []
        [made] = harness.taken()
    assert made.http is not None
    return made.http


def refusal(cls: type[Actor], event: Event, **given: Any) -> Failure:
    with Harness(cls, **given) as harness:
        harness.put(event)
        [failed] = harness.errors
    assert failed.failure is not None
    return failed.failure


def test_a_method_leads_into_its_outbox_and_what_leads_nowhere_is_told_what_does() -> None:
    with Harness(HTTPMethodRouter, outboxes=("get", "put")) as harness:
        for method in ("GET", "HEAD", "PUT", "DELETE", "TRACE"):
            harness.put(Event("x", http=Http(method=method)))
        harness.put(Event("x"))
        assert [event.http.method for event in harness.taken("get") if event.http] == ["GET", "HEAD"]
        assert [event.http.method for event in harness.taken("put") if event.http] == ["PUT"]
        failures = [event.failure for event in harness.errors if event.failure]
    assert [failure.status for failure in failures] == [405, 405, 422]
    assert failures[0].headers == [("Allow", "GET, HEAD, PUT")]


@pytest.mark.parametrize(
    ("method", "status", "data", "answered"),
    [
        ("POST", 0, {"a": 1}, 201),
        ("POST", 200, None, 201),
        ("POST", 202, None, 202),
        ("GET", 0, {"a": 1}, 0),
        ("GET", 0, None, 204),
        ("GET", 200, "", 204),
        ("PUT", 0, {}, 204),
        ("PATCH", 0, [], 204),
        ("DELETE", 0, b"", 204),
        ("DELETE", 0, 0, 0),
        ("PUT", 201, None, 201),
        ("GET", 404, None, 404),
        ("HEAD", 0, None, 0),
        ("OPTIONS", 0, None, 0),
    ],
)
def test_a_status_is_what_the_method_asks_for(method: str, status: int, data: Any, answered: int) -> None:
    http = changed(RESTTranslator, Event(data, http=Http(method=method, status=status)))
    assert http.status == answered


def test_what_was_made_is_found_at_its_location_and_nothing_leaves_its_place() -> None:
    made = Event("x", http=Http(path="/ä b/"), attributes={"entity_id": "7/../\r\nX: 1"})
    assert changed(RESTTranslator, made).reply_headers == [("Location", "/%C3%A4%20b/7%2F..%2F%0D%0AX%3A%201")]
    plain = Event("x", http=Http(path="/a"))
    assert changed(RESTTranslator, plain).reply_headers == [("Location", f"/a/{plain.trace}")]
    given = {"location": "/orders/{data/id}"}
    assert changed(RESTTranslator, JSONEvent({"id": "a b"}, http=Http()), **given).reply_headers == [
        ("Location", "/orders/a%20b")
    ]
    assert refusal(RESTTranslator, JSONEvent({}, http=Http()), **given).status == 400
    there = Http(reply_headers=[("location", "/b")])
    assert changed(RESTTranslator, Event("x", http=there)).reply_headers == [("location", "/b")]
    [problem] = RESTTranslator.check(params.build(RESTTranslator.Params, {"location": "/a\r\nX: 1"}))
    assert problem.path == "location"


@pytest.mark.parametrize(("value", "status"), [(404, 404), ("404", 404), ("404 Not Found", 404), ("410-Gone", 410)])
def test_a_status_stands_in_the_event(value: Any, status: int) -> None:
    assert changed(HTTPStatus, JSONEvent({"s": value}), path="data/s").status == status


@pytest.mark.parametrize("value", [None, True, 99, 600, 1404, "4040", "x", [404], "404\n", ""])
def test_what_is_no_status_is_refused(value: Any) -> None:
    assert refusal(HTTPStatus, JSONEvent({"s": value}), path="data/s").status == 422


def test_a_status_is_given_once() -> None:
    assert changed(HTTPStatus, Event("x"), status=418).status == 418
    for given in ({}, {"status": 99}, {"status": 200, "path": "data"}):
        [problem] = HTTPStatus.check(params.build(HTTPStatus.Params, given))
        assert problem.path == "status"


def test_header_fields_are_set_in_the_place_of_those_that_are_there() -> None:
    there = Http(reply_headers=[("X-A", "old"), ("x-b", "old"), ("X-C", "kept"), ("x-d", "old")])
    given = {"fields": {"x-a": "1"}, "paths": {"X-B": "data/b"}, "remove": ["X-D"]}
    http = changed(HTTPHeaders, JSONEvent({"b": 2}, http=there), **given)
    assert http.reply_headers == [("X-C", "kept"), ("x-a", "1"), ("X-B", "2")]


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "\0", "\u20ac", None, True, {}, []])
def test_a_value_that_cannot_stand_in_a_header_is_refused(value: Any) -> None:
    assert refusal(HTTPHeaders, JSONEvent({"b": value}), paths={"X-B": "data/b"}).status == 422


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"fields": {"X": "a\r\nb"}}, "fields.X"),
        ({"fields": {"a b": "c"}}, "fields.a b"),
        ({"paths": {"Date": "data"}}, "paths.Date"),
    ],
)
def test_a_field_that_cannot_be_sent_is_found_at_the_start(given: dict[str, Any], path: str) -> None:
    [problem] = HTTPHeaders.check(params.build(HTTPHeaders.Params, given))
    assert problem.path == path
