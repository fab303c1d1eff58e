"""http-server over real sockets: errors in the client's format, with what HTTP wants beside them."""

from __future__ import annotations

import json
import re
from typing import Any

import gevent
import pytest

from actorkit import ErrorMessage, Event, Failure, MalformedEvent, NotModified, RateExceeded, Unauthorized
from actorkit.testing import Answer
from actorkit_actors.http import problem
from tests.actors.http.client import Client, Start, ask, request


def failing(error: Exception) -> Answer:
    def answer(event: Event, outbox: str | None) -> Event:
        raise error

    return answer


ERROR = MalformedEvent([ErrorMessage("no <total>", "C1"), ErrorMessage("bad\x00", details={"line": 3})])


@pytest.mark.parametrize(
    ("content_type", "accept", "answered", "body"),
    [
        (
            "application/json",
            "",
            "application/json",
            b'{"errors":[{"message":"no <total>","code":"C1"},{"message":"bad\\u0000","details":{"line":3}}]}',
        ),
        (
            "application/xml",
            "",
            "application/xml",
            "<errors><error><message>no &lt;total&gt;</message><code>C1</code></error>"
            "<error><message>bad\ufffd</message><details><line>3</line></details></error></errors>".encode(),
        ),
        ("text/plain", "", "text/plain; charset=utf-8", b"no <total> (C1)\nbad\x00\n"),
        ("text/plain", "application/problem+json", "application/problem+json", None),
        ("application/octet-stream", "", "application/json", None),
        ("application/octet-stream", "text/plain", "text/plain; charset=utf-8", None),
        ("application/octet-stream", "image/png", "application/json", None),
        ("text/xml", "*/*", "application/xml", None),
        ("application/json", "text/xml", "text/xml", None),
    ],
)
def test_errors_come_in_the_format_of_the_request_or_the_one_that_is_wanted(
    start: Start, content_type: str, accept: str, answered: str, body: bytes | None
) -> None:
    content = {"application/json": b"1", "application/xml": b"<a/>", "text/xml": b"<a/>"}.get(content_type, b"x")
    headers = {"accept": accept} if accept else {}
    status, got, errors = ask(start(failing(ERROR)), request("/echo", content, content_type=content_type, **headers))
    assert (status, got["content-type"]) == (400, answered)
    assert body is None or errors == body


def test_details_that_are_no_xml_are_left_out_of_it(start: Start) -> None:
    error = MalformedEvent("x", code="C9", **{"a b": 1})
    body = ask(start(failing(error)), request("/echo", b"<a/>", content_type="text/xml"))[2]
    assert body == b"<errors><error><message>x</message><code>C9</code></error></errors>"


@pytest.mark.parametrize("depth", [300, 600])
def test_details_that_are_nested_too_deep_for_xml_are_left_out_of_it(start: Start, depth: int) -> None:
    details = json.loads('{"a":' * depth + "1" + "}" * depth)
    error = MalformedEvent("x", code="C9", data=details)
    status, _, body = ask(start(failing(error)), request("/echo", b"<a/>", content_type="text/xml"))
    assert (status, body) == (400, b"<errors><error><message>x</message><code>C9</code></error></errors>")


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_details_that_a_peer_has_nested_without_end_are_left_out(accept: str) -> None:
    details: Any = 1
    for _ in range(5_000):
        details = [details]
    written = problem.write({"accept": accept}, [ErrorMessage("x", details={"data": details})])
    assert written == problem.write({"accept": accept}, [ErrorMessage("x")])


@pytest.mark.parametrize(
    ("error", "status", "header", "value"),
    [
        (Unauthorized("no"), 401, "www-authenticate", 'Basic realm="actorkit", charset="UTF-8"'),
        (Unauthorized("no", challenge="Bearer"), 401, "www-authenticate", "Bearer"),
        (RateExceeded("slow down", retry_after_s=5), 429, "retry-after", "5"),
    ],
)
def test_an_error_brings_the_header_that_http_wants(
    start: Start, error: Exception, status: int, header: str, value: str
) -> None:
    answered, headers, _ = ask(start(failing(error)), request())
    assert (answered, headers[header]) == (status, value)


def test_every_401_has_a_challenge(start: Start) -> None:
    def chosen(event: Event, outbox: str | None) -> Event:
        assert event.http is not None
        event.http.status = 401
        return event.replace("no")

    def failed(event: Event, outbox: str | None) -> Event:
        event.failure = Failure("Mine", "no", 401)
        return event

    def own(event: Event, outbox: str | None) -> Event:
        assert event.http is not None
        event.http.reply_headers.append(("WWW-Authenticate", "Mine"))
        return failed(event, outbox)

    assert ask(start(chosen), request())[1]["www-authenticate"].startswith("Basic ")
    assert ask(start(failed), request())[1]["www-authenticate"].startswith("Basic ")
    with Client(start(own)) as client:
        headers = client.send(request()).response()[1]
    assert [value for name, value in headers if name == "www-authenticate"] == ["Mine"]


def test_not_modified_has_no_body(start: Start) -> None:
    status, headers, body = ask(start(failing(NotModified("it is the same"))), request())
    assert (status, body, "content-type" in headers) == (304, b"", False)


def waits(event: Event, outbox: str | None) -> Event | None:
    gevent.sleep(60)  # longer than anybody waits
    return None


@pytest.mark.parametrize(
    ("status", "data", "options"),
    [
        (202, request(), {"answer": None}),
        (204, request(), {}),
        (204, request(method="OPTIONS"), {}),
        (400, b"nonsense\r\n\r\n", {}),
        (400, request("/echo", b"{", content_type="application/json"), {}),
        (404, request("/nobody"), {}),
        (405, request(method="DELETE"), {}),
        (406, request("/echo", b"x", content_type="text/plain", accept="image/png"), {}),
        (408, b"POST /echo", {"idle_timeout_s": 0.1}),
        (413, request("/echo", b"x" * 11), {"max_body_bytes": 10}),
        (415, request("/echo", b"x", content_type="text/plain; charset=idna"), {}),
        (431, request(X_A="a" * 2000), {"max_header_bytes": 1000}),
        (500, request(), {"answer": failing(ZeroDivisionError("secret"))}),
        (501, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", {}),
        (504, request(), {"answer": waits, "timeout_s": 0.05}),
        (505, request(version="2.0"), {}),
    ],
)
def test_every_answer_names_its_request(start: Start, status: int, data: bytes, options: dict[str, Any]) -> None:
    harness = start(**options)
    with Client(harness) as client:
        answered, headers, body = client.send(data).response()
    assert answered == status
    assert re.fullmatch("[0-9a-f]{16}", dict(headers)["x-request-id"])
    assert b"secret" not in body
    assert all(dict(headers)["x-request-id"] == event.trace for event in harness.taken())


def test_a_request_that_waited_in_vain_is_named_as_its_event_is(start: Start) -> None:
    harness = start(waits, timeout_s=0.05)
    named = ask(harness, request())[1]["x-request-id"]
    assert [event.trace for event in harness.taken()] == [named]


def test_an_error_in_json_is_json(start: Start) -> None:
    body = ask(start(), request("/echo", b'{"a": \n 1', content_type="application/json"))[2]
    [error] = json.loads(body)["errors"]
    assert "line 2, column 3" in error["message"]
