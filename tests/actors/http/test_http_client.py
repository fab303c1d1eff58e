from __future__ import annotations

import socket
from typing import Any

import gevent
import pytest

from actorkit import Event, Http, JSONEvent, NotFound, params
from actorkit.testing import Harness
from actorkit_actors.http.breaker import Breaker
from actorkit_actors.http.http_client import HTTPClient
from actorkit_actors.http.upstream import BadGateway, retry_after_s
from tests.actors.http.upstreams import Asked, Says, ask, client, echo, failure, upstream


def test_an_event_becomes_a_request_and_the_answer_the_event() -> None:
    def answer(asked: Asked) -> Says:
        return Says(201, b"<made/>", {"content-type": "application/xml", "x-a": "b"})

    with upstream(answer) as server:
        with client(server, "/orders/{attributes/id}?n={data/n}", status_attribute="s", headers_attribute="h") as one:
            event = JSONEvent({"n": 7}, attributes={"id": "a/../b c?&#ü", "kept": 1})
            made = ask(one, event)
        [asked] = server.asked
    assert (asked.method, asked.path) == ("POST", "/orders/a%2F..%2Fb%20c%3F%26%23%C3%BC?n=7")
    assert asked.body == b'{"n":7}'
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["idempotency-key"] == event.key
    assert (made.text(), made.get("s"), made.get("h")["x-a"], made.get("kept")) == ("<made/>", 201, "b", 1)
    assert made.trace == event.trace


def test_what_the_event_has_not_or_would_leave_its_place_with_is_refused() -> None:
    with client("http://127.0.0.1:1/{attributes/id}") as one:
        for value in (None, "", ".", "..", {"a": 1}, True, [1]):
            assert failure(one, Event("x", attributes={"id": value})).status == 400


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (304, "NotModified", 304),
        (400, "MalformedEvent", 400),
        (401, "BadGateway", 502),
        (403, "Forbidden", 403),
        (404, "NotFound", 404),
        (405, "MethodNotAllowed", 405),
        (407, "BadGateway", 502),
        (409, "Conflict", 409),
        (410, "Gone", 410),
        (418, "Refused", 418),
        (422, "UnprocessableEvent", 422),
        (429, "RateExceeded", 429),
        (500, "BadGateway", 502),
        (503, "ServiceUnavailable", 503),
        (504, "AnswerTimeout", 504),
    ],
)
def test_a_status_becomes_its_error(status: int, kind: str, told: int) -> None:
    headers = {"allow": "GET", "retry-after": "7"}
    with upstream(lambda asked: Says(status, b"" if status == 304 else b"because", headers)) as server:
        with client(server) as one:
            found = failure(one)
    assert (found.kind, found.status, found.details["upstream_status"]) == (kind, told, status)
    assert ("Retry-After", "7") in found.headers or status not in (429, 503)
    assert ("Allow", "GET") in found.headers or status != 405


def test_a_status_that_is_good_is_an_answer() -> None:
    with upstream(lambda asked: Says(404, b"none")) as server:
        with client(server, good_statuses=[404], method="GET") as one:
            assert ask(one, Event()).data == b"none"


def test_only_what_a_repeat_does_not_change_is_sent_again() -> None:
    with upstream(lambda asked: Says(500)) as server:
        for given, times in (
            ({"method": "GET"}, 3),
            ({"method": "PUT"}, 3),
            ({"method": "POST"}, 1),
            ({"method": "POST", "repeat": "all"}, 3),
        ):
            server.asked.clear()
            with client(server, retries=2, **given) as one:
                failure(one)
            assert len(server.asked) == times
            keys = {asked.headers.get("idempotency-key") for asked in server.asked}
            assert len(keys) == 1
            assert (None in keys) == (given["method"] != "POST")


def test_a_refusal_is_not_sent_again_and_a_request_that_went_nowhere_is() -> None:
    with upstream(lambda asked: Says(404)) as server:
        with client(server, method="GET", retries=5) as one:
            failure(one)
        assert len(server.asked) == 1
    with client(server, retries=1) as one:
        assert failure(one).status == 502
        assert one.actor.params.may_get_better(_raised(one, Event("x")))


def _raised(harness: Harness[HTTPClient], event: Event) -> Exception:
    with pytest.raises(Exception) as caught:
        harness.actor.consume(event)
    return caught.value


def test_a_traceparent_is_passed_on_and_no_other_header_unless_it_is_named() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    came = {"traceparent": parent, "tracestate": "x=1", "authorization": "Bearer mine", "x-a": "1", "x-b": "2"}
    with upstream(echo) as server:
        with client(server, forward_headers=["X-A"], headers={"X-C": "3"}, authorization="Bearer ours\n") as one:
            ask(one, Event("x", http=Http(headers=came)))
            ask(one, Event("x", http=Http(headers={"traceparent": "junk"})))
        first, second = (asked.headers for asked in server.asked)
    assert (first["traceparent"], first["tracestate"]) == (parent, "x=1")
    assert (first["x-a"], first["x-c"], first["authorization"]) == ("1", "3", "Bearer ours")
    assert "x-b" not in first
    assert "traceparent" not in second


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"url": "ftp://a/"}, "url"),
        ({"url": "http://u:p@a/"}, "url"),
        ({"url": "http://{data}/"}, "url"),
        ({"url": "http://a/ b"}, "url"),
        ({"url": "http://a:99999/"}, "url"),
        ({"url": "http://a/{}"}, "url"),
        ({"headers": {"Host": "b"}}, "headers.Host"),
        ({"forward_headers": ["transfer-encoding"]}, "forward_headers"),
        ({"private_networks": ["10.0.0.1/8"]}, "private_networks"),
        ({"cafile": "junk"}, "cafile"),
        ({"certfile": "junk"}, "cafile"),
        ({"proxy": "nowhere"}, "proxy"),
        ({"threads": 1}, "threads"),
    ],
)
def test_what_cannot_work_is_found_before_anything_starts(given: dict[str, Any], path: str) -> None:
    problems = list(HTTPClient.check(params.build(HTTPClient.Params, {"url": "http://a/", **given})))
    assert [problem.path for problem in problems] == [path]


def test_what_takes_too_long_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with client(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.2) as one:
            found = failure(one)
    assert (found.status, found.kind) == (504, "AnswerTimeout")


def test_a_server_that_keeps_failing_is_left_alone() -> None:
    with upstream(lambda asked: Says(500)) as server:
        with client(server, breaker_failures=3, breaker_pause_s=60) as one:
            assert [failure(one).status for _ in range(5)] == [502, 502, 502, 503, 503]
        assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("end", "opens"),
    [
        (gevent.GreenletExit(), False),
        (SystemExit(), False),
        (NotFound("no such order"), False),
        (BadGateway("it is gone"), True),
        (ValueError("no number"), True),
        (gevent.Timeout(), True),
    ],
)
def test_a_kill_says_nothing_of_the_server_and_a_timeout_does(end: BaseException, opens: bool) -> None:
    breaker = Breaker(1, 10.0)
    breaker.judge(end, 0.0)
    assert breaker.open is opens


def test_a_breaker_lets_one_try_after_its_pause() -> None:
    breaker = Breaker(2, 10.0)
    breaker.fail(0.0)
    assert breaker.wait_s(0.0) == 0.0
    breaker.fail(1.0)
    assert breaker.wait_s(5.0) == 6.0
    assert breaker.wait_s(11.0) == 0.0  # the try
    assert breaker.wait_s(11.0) == 10.0  # beside it nobody
    breaker.close()
    assert breaker.wait_s(11.0) == 0.0
    never = Breaker(0, 10.0)
    never.fail(0.0)
    assert never.wait_s(0.0) == 0.0


def test_a_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after_s("7", 0) == 7.0
    assert retry_after_s("Thu, 01 Jan 1970 00:00:10 GMT", 4.0) == 6.0
    assert retry_after_s("", 0) is retry_after_s("soon", 0) is retry_after_s("-1", 0) is None
    assert retry_after_s("9" * 9, 0) == 86400.0
