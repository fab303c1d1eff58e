"""http-server over real sockets: what it makes of requests, and how it answers."""

from __future__ import annotations

import json
import logging
import subprocess

import gevent
import pytest

from actorkit import Event, Failure, Forbidden, MalformedEvent
from actorkit.errors import SettingsError
from actorkit.testing import Answer, Harness
from actorkit_actors.http.http_server import HTTPServer
from tests import needs
from tests.actors.http.client import Client, Start, ask, request, seen


def test_an_order_goes_into_the_outbox_that_the_path_names(start: Start) -> None:
    harness = start()
    status, headers, body = ask(harness, request("/echo?a=1&a=2&b=", b"<order/>", content_type="text/xml", X_A="b"))
    assert (status, headers["content-type"], body) == (200, "application/xml", b"<order/>")
    event = seen(harness)
    assert event.encoded() == ("x", b"<order/>")
    assert event.service == "echo"
    assert event.attributes == {}
    assert event.http is not None
    assert (event.http.method, event.http.path, event.http.remote) == ("POST", "/echo", "127.0.0.1")
    assert event.http.query == {"a": ["1", "2"], "b": [""]}
    assert event.http.headers["x-a"] == "b"
    assert headers["x-request-id"] == event.trace


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("application/json", b'{"a": 1}', ("j", b'{"a": 1}')),
        ("application/problem+json; charset=utf-8", b"[1]", ("j", b"[1]")),
        ("application/json", b"null", ("j", b"null")),
        ("application/xml", b"<a/>", ("x", b"<a/>")),
        ("application/soap+xml", b"<a/>", ("x", b"<a/>")),
        ("application/xml; charset=ISO-8859-1", b"<a>\xe4</a>", ("x", "<a>ä</a>".encode())),
        ("text/xml", b'<?xml version="1.0" encoding="latin1"?><a>\xe4</a>', ("x", "<a>ä</a>".encode())),
        ("text/plain", "ä".encode(), ("t", "ä".encode())),
        ("text/plain; charset=latin-1", b"\xe4", ("t", "ä".encode())),
        ("TEXT/HTML", b"<br>", ("t", b"<br>")),
        ("application/octet-stream", b"\x89PNG", ("b", b"\x89PNG")),
        ("", b"\x00", ("b", b"\x00")),
        ("application/json", b"", ("n", b"")),
        (
            "application/x-www-form-urlencoded",
            b"a=1&b=%C3%A4+x&a=2&c=",
            ("j", '{"a":["1","2"],"b":["ä x"],"c":[""]}'.encode()),
        ),
    ],
)
def test_the_content_type_decides_the_format(
    start: Start, content_type: str, body: bytes, encoded: tuple[str, bytes]
) -> None:
    harness = start()
    ask(harness, request("/echo", body, content_type=content_type))
    assert seen(harness).encoded() == encoded


def test_a_form_with_files_keeps_every_field(start: Start) -> None:
    harness = start()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n2\r\n'
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="n.bin"\r\n'
        b"Content-Type: image/png\r\n\r\n\x00\r\n--x--\r\n"
    )
    ask(harness, request("/echo", body, content_type="multipart/form-data; boundary=x"))
    assert seen(harness).data == {
        "a": ["1", "2"],
        "f": [{"filename": "n.bin", "content_type": "image/png", "content": "AA=="}],
    }


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        ("application/json", b'{"a": 1', "line 1, column 8"),
        ("application/json", b"\xff", "not JSON"),
        ("application/json", b'"\xff"', "not JSON"),
        ("application/xml", b"<a>\n<b></a>", "line 2"),
        ("application/xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 'entity "x"'),
        ("text/plain", b"\xff", "not utf-8"),
        ("multipart/form-data", b"x", "form"),
        ("application/x-www-form-urlencoded", b"a&" * 2000, "1000 fields"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_a_body_that_is_not_what_it_says_is_answered_with_400(
    start: Start, content_type: str, body: bytes, says: str, accept: str
) -> None:
    harness = start()
    status, headers, answer = ask(harness, request("/echo", body, content_type=content_type, accept=accept))
    assert (status, headers["content-type"]) == (400, accept)
    assert says in answer.decode().replace('\\"', '"')
    assert harness.taken() == []


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("", "application/json", b'{"a": "1"}'),
        ("*/*", "application/json", b'{"a": "1"}'),
        ("application/xml", "application/xml", b"<a>1</a>"),
        ("text/xml", "text/xml", b"<a>1</a>"),
        ("application/json;q=0.5, application/xml", "application/xml", b"<a>1</a>"),
        ("application/json;q=0.5, application/xml;q=0.4", "application/json", b'{"a": "1"}'),
        ("text/*", "text/xml", b"<a>1</a>"),
        ("text/plain", "text/plain; charset=utf-8", b'{"a": "1"}'),
        ("application/json;q=0, */*", "application/xml", b"<a>1</a>"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/xml", b"<a>1</a>"),
    ],
)
def test_accept_decides_what_the_answer_is_written_as(
    start: Start, accept: str, content_type: str, body: bytes
) -> None:
    headers = {"accept": accept} if accept else {}
    answer = ask(start(), request("/echo", b'{"a": "1"}', content_type="application/json", **headers))
    assert (answer[0], answer[1]["content-type"], answer[2]) == (200, content_type, body)


@pytest.mark.parametrize("accept", ["image/png", "application/json"])
def test_an_answer_that_nobody_can_write_so_is_answered_with_406(start: Start, accept: str) -> None:
    status, headers, body = ask(start(), request("/echo", b"no JSON", content_type="text/plain", accept=accept))
    assert (status, headers["content-type"]) == (406, "application/json")
    assert accept in json.loads(body)["errors"][0]["message"]


def test_an_actor_chooses_status_content_type_and_repeated_headers(start: Start) -> None:
    def answer(event: Event, outbox: str | None) -> Event:
        assert event.http is not None
        event.http.status = 201
        event.http.reply_headers += [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Content-Type", "image/svg+xml")]
        return event.replace("<svg/>")

    with Client(start(answer)) as client:
        status, headers, body = client.send(request(accept="image/png")).response()
    assert (status, body) == (201, b"<svg/>")
    assert [value for name, value in headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert dict(headers)["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    "header",
    [
        ("X-A", "b\r\nX-Injected: 1"),
        ("X A", "b"),
        ("Content-Length", "7"),
        ("Transfer-Encoding", "chunked"),
        ("X-A", "€"),
    ],
)
def test_a_header_that_may_not_be_sent_is_left_out(
    start: Start, header: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    def answer(event: Event, outbox: str | None) -> Event:
        assert event.http is not None
        event.http.reply_headers.append(header)
        return event.replace("x")

    with caplog.at_level(logging.WARNING), Client(start(answer)) as client:
        status, headers, body = client.send(request()).response()
        assert client.send(request()).response()[0] == 200
    assert (status, body) == (200, b"x")
    assert "x-injected" not in dict(headers)
    assert dict(headers)["content-length"] == "1"
    assert "may not be sent" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (MalformedEvent("the order has no <total>"), 400, "the order has no <total>"),
        (Forbidden("not yours"), 403, "not yours"),
    ],
)
def test_a_failed_event_is_answered_with_its_status(start: Start, error: Exception, status: int, says: str) -> None:
    def answer(event: Event, outbox: str | None) -> Event:
        raise error

    harness = start(answer)
    code, headers, body = ask(harness, request("/echo", b"{}", content_type="application/json"))
    assert (code, headers["content-type"]) == (status, "application/json")
    assert json.loads(body) == {"errors": [{"message": says}]}
    code, headers, body = ask(harness, request("/echo", b"{}", content_type="application/json", accept="text/xml"))
    assert (code, headers["content-type"]) == (status, "text/xml")
    assert (
        body.decode()
        == f"<errors><error><message>{says.replace('<', '&lt;').replace('>', '&gt;')}</message></error></errors>"
    )


def failing(failure: Failure, status: int = 0) -> Answer:
    def answer(event: Event, outbox: str | None) -> Event:
        assert event.http is not None
        event.http.status = status
        event.failure = failure
        return event

    return answer


def test_what_an_unexpected_error_says_stays_in_the_log(start: Start) -> None:
    harness = start(failing(Failure("OperationalError", "password of db is x", 500)))
    status, headers, body = ask(harness, request("/echo", b"secret"))
    assert status == 500
    assert b"password" not in body
    assert b"secret" not in body
    assert headers["x-request-id"].encode() in body


def test_a_status_that_was_chosen_before_the_failure_does_not_hide_it(start: Start) -> None:
    assert ask(start(failing(Failure("MalformedEvent", "x", 400), status=201)), request())[0] == 400
    assert ask(start(failing(Failure("MalformedEvent", "x", 400), status=418)), request())[0] == 418


def test_an_error_quotes_what_xml_has_no_character_for(start: Start) -> None:
    status, _, body = ask(start(failing(Failure("MalformedEvent", "bad \x00 \ufffe", 400))), request(accept="text/xml"))
    assert (status, body) == (400, "<errors><error><message>bad � �</message></error></errors>".encode())


def test_an_event_that_is_dealt_with_without_an_answer_gives_202(start: Start) -> None:
    assert ask(start(None), request())[0] == 202


def test_an_answer_without_data_gives_204(start: Start) -> None:
    status, headers, body = ask(start(), request())
    assert (status, body) == (204, b"")
    assert "content-length" not in headers
    assert "content-type" not in headers


def test_an_answer_that_does_not_come_gives_504(start: Start) -> None:
    def answer(event: Event, outbox: str | None) -> Event | None:
        gevent.sleep(60)  # longer than anybody waits
        return None

    assert ask(start(answer, timeout_s=0.05), request())[0] == 504


@pytest.mark.parametrize(("finish_expired", "least_s"), [(False, 15), (True, None)])
def test_an_event_knows_how_long_its_client_waits(start: Start, finish_expired: bool, least_s: float | None) -> None:
    told: list[float | None] = []

    def answer(event: Event, outbox: str | None) -> Event:
        told.append(event.deadline)
        return event

    assert ask(start(answer, timeout_s=20, finish_expired=finish_expired), request())[0] == 204
    (deadline,) = told
    assert deadline is None if least_s is None else deadline is not None and least_s < deadline <= 20


def test_a_port_in_use_is_told_in_one_line(start: Start) -> None:
    port = start().actor.port
    with pytest.raises(SettingsError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: .*Free the port") as caught:
        Harness(HTTPServer, host="127.0.0.1", port=port)
    assert "\n" not in str(caught.value)


def test_curl_is_answered(start: Start) -> None:
    program = needs.tool("curl")
    harness = start(max_body_bytes=4 << 20)
    url = f"http://127.0.0.1:{harness.actor.port}/echo"

    def curl(*arguments: str, stdin: bytes = b"") -> bytes:
        command = [program, "-sS", "--fail-with-body", "-m", "10", *arguments, url]
        run = gevent.get_hub().threadpool.apply
        done: subprocess.CompletedProcess[bytes] = run(
            lambda: subprocess.run(command, input=stdin, capture_output=True, check=True)
        )
        return done.stdout

    large = b"x" * (3 << 20)
    assert curl("-d", "a=1") == b'{"a":["1"]}'
    assert curl("-H", "Content-Type: text/plain", "--data-binary", "@-", stdin=large) == large
    chunked = ("-H", "Transfer-Encoding: chunked", "-H", "Content-Type: text/plain", "-T", "-", "-X", "POST")
    assert curl(*chunked, stdin=large) == large
    assert json.loads(curl("-F", "f=@-", stdin=b"\x00"))["f"][0]["content"] == "AA=="


def test_who_sends_xml_and_accepts_anything_gets_errors_in_xml(start: Start) -> None:
    for headers in ({}, {"accept": "*/*"}):
        for body, status in ((b"<a>", 400), (b"", 404)):
            path = "/echo" if body else "/nobody"
            code, got, _ = ask(start(), request(path, body, content_type="text/xml", **headers))
            assert (code, got["content-type"]) == (status, "application/xml")
