"""What routes and parameters of http-server change for those who ask for it."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit import Event, Forbidden, params
from actorkit_actors.http.http_server import HTTPServer
from tests.actors.http.client import Start, ask, request, seen

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("forms", "sent", "format_", "became"),
    [
        ("json", b"a=1&a=2", "j", b'{"a":["1","2"]}'),
        ("json", b"XML=%3Ca/%3E", "j", b'{"XML":["<a/>"]}'),
        ("form", b"a=1&b=%20&a=2", "f", b"a=1&a=2&b=+"),
        ("form", b"XML=%3Ca/%3E", "f", b"XML=%3Ca%2F%3E"),
        ("unwrap", b"XML=%3Ca/%3E", "x", b"<a/>"),
        ("unwrap", b"json=%7B%22a%22:1%7D", "j", b'{"a":1}'),
        ("unwrap", b"JSON=1&b=2", "f", b"JSON=1&b=2"),
        ("unwrap", b"JSON=1&JSON=2", "f", b"JSON=1&JSON=2"),
    ],
)
def test_a_form_becomes_what_the_server_is_told(
    start: Start, forms: str, sent: bytes, format_: str, became: bytes
) -> None:
    harness = start(forms=forms)
    assert ask(harness, request("/echo", sent, content_type=FORM))[0] == 200
    assert seen(harness).encoded() == (format_, became)


@pytest.mark.parametrize(
    "sent", [b"XML=%3Ca", b"JSON=%7B", b"XML=%3C!DOCTYPE+a+[%3C!ENTITY+b+'c'%3E]%3E%3Ca%3E%26b;%3C/a%3E"]
)
def test_a_document_in_a_form_is_checked_as_any_other(start: Start, sent: bytes) -> None:
    assert ask(start(forms="unwrap"), request("/echo", sent, content_type=FORM))[0] == 400


@pytest.mark.parametrize(
    ("data", "accept", "answered"),
    [
        ({"a": 1}, "", b'{"data":{"a":1}}'),
        ({"data": 0}, "application/json", b'{"data":0}'),
        ([1], "application/vnd.api+json", b'{"data":[1]}'),
        ("text", "text/plain", b"text"),
        ({"a": 1}, "application/xml", b"<a>1</a>"),
    ],
)
def test_an_envelope_is_around_json_answers_only(start: Start, data: Any, accept: str, answered: bytes) -> None:
    harness = start(lambda event, outbox: event.replace(data), envelope=True)
    assert ask(harness, request("/echo", b"x", **({"Accept": accept} if accept else {})))[2] == answered


def test_no_envelope_is_around_errors(start: Start) -> None:
    def fail(event: Event, outbox: str | None) -> Event:
        raise Forbidden("no")

    status, _, body = ask(start(fail, envelope=True), request("/echo", b"{}", content_type="application/json"))
    assert (status, body) == (403, b'{"errors":[{"message":"no"}]}')


def test_a_base_path_stands_before_all_routes_and_a_route_says_its_name(start: Start) -> None:
    harness = start(base_path="/api/v1/", routes=[{"path": "/<queue>", "id": "by-name"}])
    assert ask(harness, request("/echo", b"x"))[0] == 404
    assert ask(harness, request("/api/v1/echo", b"x"))[0] == 200
    event = seen(harness)
    assert event.get("route") == "by-name"
    assert event.http is not None
    assert event.http.path == "/api/v1/echo"


def test_a_route_answers_by_itself_or_sends_elsewhere(start: Start) -> None:
    harness = start(
        routes=[
            {"path": "/old", "redirect": "/new?a=1"},
            {"path": "/robots.txt", "methods": ["GET"], "answer": {"text": "Disallow: ä", "headers": {"X-A": "b"}}},
            {"path": "/gone", "answer": {"status": 410}},
        ]
    )
    status, headers, _ = ask(harness, request("/old", b"x"))
    assert (status, headers["location"]) == (308, "/new?a=1")
    status, headers, body = ask(harness, request("/robots.txt", b"", method="GET"))
    assert (status, headers["x-a"], body.decode()) == (200, "b", "Disallow: ä")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert ask(harness, request("/gone", b""))[0] == 410
    assert harness.taken("echo") == []


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ({"path": "/a", "redirect": "/b\r\nX: 1"}, "routes[0].redirect"),
        ({"path": "/a", "answer": {"headers": {"X": "a\nb"}}}, "routes[0].answer"),
        ({"path": "/a", "redirect": "/b", "outbox": "c"}, "routes[0].redirect"),
        ({"path": "/<queue>", "answer": {}}, "routes[0].answer"),
        ({"path": "/a", "redirect": "/b", "answer": {}}, "routes[0].answer"),
    ],
)
def test_a_route_that_cannot_answer_is_found_at_the_start(route: dict[str, Any], path: str) -> None:
    [problem] = HTTPServer.check(params.build(HTTPServer.Params, {"routes": [route]}))
    assert problem.path == path


@pytest.mark.parametrize("base_path", ["api", "/<queue>"])
def test_a_base_path_that_is_none_is_found_at_the_start(base_path: str) -> None:
    [problem] = HTTPServer.check(params.build(HTTPServer.Params, {"base_path": base_path}))
    assert problem.path == "routes"
