"""http-server over real sockets: HTTP/1.1 to the letter (RFC 9110, RFC 9112)."""

from __future__ import annotations

import time

import pytest
from gevent.socket import SHUT_WR

from tests.actors.http.client import Client, Slow, Start, ask, request, seen
from tests.until import until


def test_a_trailer_field_is_no_header_field(start: Start) -> None:
    harness = start()
    trailers = b"Authorization: Basic eA==\r\nX-T: trailer\r\nHost: b\r\nContent-Type: application/xml\r\n"
    head = request(transfer_encoding="chunked", content_type="text/plain", X_T="head")
    with Client(harness) as client:
        client.send(head + b"1\r\nZ\r\n0\r\n" + trailers + b"\r\n")
        assert client.response()[0] == 200
        assert client.send(request("/echo", b"next")).response()[0] == 200
    event, _ = harness.taken()
    assert event.http is not None
    assert event.http.headers == {
        "host": "test",
        "transfer-encoding": "chunked",
        "content-type": "text/plain",
        "x-t": "head",
    }
    assert event.encoded() == ("t", b"Z")


def test_trailers_have_the_bounds_of_headers(start: Start) -> None:
    head = request(transfer_encoding="chunked", content_type="text/plain") + b"1\r\nZ\r\n0\r\n"
    for trailers in (b"X-A: " + b"a" * 2000 + b"\r\n", b"".join(b"X-%d: a\r\n" % n for n in range(101))):
        assert ask(start(max_header_bytes=1000), head + trailers + b"\r\n")[0] == 431


def test_a_long_body_with_trailers_is_taken(start: Start) -> None:
    head = request(transfer_encoding="chunked", content_type="text/plain")
    body = b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(64)) + b"0\r\nX-A: b\r\n\r\n"
    assert ask(start(max_header_bytes=1000), head + body)[2] == b"x" * 65536


def test_fields_of_one_name_are_counted_each(start: Start) -> None:
    assert ask(start(), b"POST /echo HTTP/1.1\r\nHost: a\r\n" + b"A:\r\n" * 101 + b"\r\n")[0] == 431


def test_an_old_client_with_a_chunked_body_is_answered_and_closed(start: Start) -> None:
    with Client(start()) as client:
        client.send(
            b"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        )
        status, headers, body = client.response()
        assert (status, dict(headers)["connection"], body) == (200, "close", b"x")
        assert client.ended()


def test_a_client_that_has_closed_its_sending_side_gets_its_answer(start: Start) -> None:
    slow = Slow()
    harness = start(slow)
    with Client(harness) as client:
        client.send(request("/echo", b"1") + request("/echo", b"2"))
        client.sock.shutdown(SHUT_WR)
        until(lambda: slow.begun == 1)
        until(lambda: "by the clock" in repr(harness.actor))  # The end of what it sends has been seen.
        slow.go.set()
        assert client.response()[2] == b"1"
        assert client.response()[2] == b"2"
        assert client.ended()
    assert slow.cancelled == 0


def test_a_request_that_ends_before_it_is_complete_is_told_so(start: Start) -> None:
    with Client(start()) as client:
        client.send(request(content_length="5") + b"x")
        client.sock.shutdown(SHUT_WR)
        assert client.response()[0] == 400
        assert client.ended()


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "user@host", "[::1", "a:b", "a:80:80", "a?", "<a>", "ä", "[::1]x", '"a"', "[fe80::1%25eth0]"]
)
def test_a_host_that_is_none_gives_400(start: Start, host: str) -> None:
    assert ask(start(), request(host=host))[0] == 400


@pytest.mark.parametrize("host", ["", "a", "a.b-c_d:80", "a,b", "127.0.0.1", "[::1]:8080", "%41", "a:"])
def test_a_host_may_be_anything_that_a_uri_allows(start: Start, host: str) -> None:
    assert ask(start(), request(host=host))[0] == 204


@pytest.mark.parametrize("version", ["2.0", "0.9", "1.2", "3.0"])
def test_another_version_gives_505(start: Start, version: str) -> None:
    assert ask(start(), request(version=version))[0] == 505


def test_a_request_line_without_a_version_gives_505(start: Start) -> None:
    assert ask(start(), b"GET /echo\r\n\r\n")[0] == 505


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, chunked", "identity"])
def test_another_transfer_coding_gives_501(start: Start, coding: str) -> None:
    harness = start()
    assert ask(harness, request(transfer_encoding=coding) + b"0\r\n\r\n")[0] in (400, 501)
    assert ask(harness, request(transfer_encoding="gzip, chunked") + b"1\r\nZ\r\n0\r\n\r\n")[0] == 501
    assert ask(harness, request(transfer_encoding="Chunked") + b"0\r\n\r\n")[0] == 204


def test_json_with_a_byte_order_mark_is_json(start: Start) -> None:
    harness = start()
    assert ask(harness, request("/echo", b'\xef\xbb\xbf{"a": 1}', content_type="application/json"))[0] == 200
    assert seen(harness).encoded() == ("j", b'{"a": 1}')


@pytest.mark.parametrize(
    ("accept", "media_type", "body"),
    [
        ("application/vnd.api+json", "application/vnd.api+json", b'{"a":"1"}'),
        ("application/problem+json, application/xml;q=0.5", "application/problem+json", b'{"a":"1"}'),
        ("application/soap+xml", "application/soap+xml", b"<a>1</a>"),
        ("*/*+json", "application/json", b'{"a":"1"}'),
        ("application/*+xml", "application/xml", b"<a>1</a>"),
        ("application/vnd.api+json;q=0.1, */*;q=0.2", "application/json", b'{"a":"1"}'),
        ("application/json; charset=utf-8", "application/json", b'{"a":"1"}'),
        ("application/xhtml+xml, */*;q=0.8", "application/json", b'{"a":"1"}'),
    ],
)
def test_types_that_are_json_or_xml_as_well_can_be_asked_for(
    start: Start, accept: str, media_type: str, body: bytes
) -> None:
    answer = ask(start(), request("/echo", b'{"a":"1"}', content_type="application/json", accept=accept))
    assert (answer[0], answer[1]["content-type"], answer[2]) == (200, media_type, body)


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body", "status", "data"),
    [
        (f"{FORM}; charset=iso-8859-1", b"a=%E4&b=\xe4", 200, {"a": ["ä"], "b": ["ä"]}),
        (f"{FORM}; charset=windows-1252", b"a=%80", 200, {"a": ["€"]}),
        (f"{FORM}; charset=utf-8", b"a=%C3%A4", 200, {"a": ["ä"]}),
        (f"{FORM}; charset=us-ascii", b"a=%E4", 400, None),
        (FORM, b"a=%E4", 400, None),
        (FORM, b"a=\xe4", 400, None),
        (f"{FORM}; charset=utf-16", b"a=1", 415, None),
        (f"{FORM}; charset=klingon", b"a=1", 415, None),
        ("multipart/form-data; boundary=x; charset=iso-8859-1", b"--x--", 415, None),
    ],
)
def test_a_form_is_read_in_its_charset_or_not_at_all(
    start: Start, content_type: str, body: bytes, status: int, data: object
) -> None:
    harness = start()
    assert ask(harness, request("/echo", body, content_type=content_type))[0] == status
    assert [event.data for event in harness.taken()] == ([data] if data else [])


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "application/xml", "text/xml"])
@pytest.mark.parametrize(
    "charset", ["punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "idna", "rot13", "klingon"]
)
def test_a_charset_that_is_not_in_the_short_list_gives_415_in_no_time(
    start: Start, media_type: str, charset: str, caplog: pytest.LogCaptureFixture
) -> None:
    harness = start()
    begun = time.thread_time()
    body = b"\\ud800+2AA-" * 40_000
    assert ask(harness, request("/echo", body, content_type=f"{media_type}; charset={charset}"))[0] == 415
    assert time.thread_time() - begun < 0.5
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("UTF-8", "ä€".encode()),
        ('"utf8"', "ä€".encode()),
        ("us-ascii", b"a"),
        ("iso-8859-1", b"\xe4"),
        ("iso-8859-15", b"\xa4"),
        ("Windows-1252", b"\x80"),
        ("utf-16", "ä€".encode("utf-16")),
        ("utf-16le", "ä€".encode("utf-16le")),
    ],
)
def test_the_charsets_of_the_short_list_are_taken(start: Start, charset: str, body: bytes) -> None:
    harness = start()
    assert ask(harness, request("/echo", body, content_type=f"text/plain; charset={charset}"))[0] == 200
    assert seen(harness).data == body.decode(charset.strip('"'))
    json = b'"' + body + b'"' if "16" not in charset else f'"{body.decode(charset)}"'.encode(charset)
    assert ask(harness, request("/echo", json, content_type=f"application/json; charset={charset}"))[0] == 200
    assert seen(harness).data == body.decode(charset.strip('"'))


def test_a_long_content_type_or_accept_costs_nothing(start: Start) -> None:
    harness = start()
    long = "text/plain; " + 'a="' + "\\" * 30_000 + '"'
    with Client(harness) as client:
        client.send(request("/echo", b"x", content_type="text/plain", accept="a/b," * 7000))
        assert client.response()[0] == 431
        begun = time.thread_time()
        for _ in range(20):
            client.send(request("/echo", b"x", content_type=long))
            assert client.response()[0] == 431
        assert time.thread_time() - begun < 0.5
    assert all(event.data == "x" for event in harness.taken())


def test_an_address_that_is_not_utf8_gives_400(start: Start) -> None:
    assert ask(start(), request("/echo/%ff"))[0] == 400
    assert ask(start(), request("/echo?a=%ff"))[0] == 400
