"""http-server over real sockets: connections, limits, hang-ups, TLS and the end."""

from __future__ import annotations

import contextlib
import random

import gevent
import pytest
from gevent.socket import SHUT_WR

from tests.actors.http.client import Client, Slow, Start, ask, figure, request
from tests.until import until


def test_a_connection_serves_request_after_request(start: Start) -> None:
    with Client(start()) as client:
        for number in range(3):
            assert client.send(request("/echo", b"%d" % number)).response()[2] == b"%d" % number
        _, headers, _ = client.send(request("/echo", connection="close")).response()
        assert dict(headers)["connection"] == "close"
        assert client.ended()


def test_pipelined_requests_are_answered_in_order(start: Start) -> None:
    with Client(start()) as client:
        client.send(b"".join(request("/echo", b"%d" % number) for number in range(5)))
        assert [client.response()[2] for _ in range(5)] == [b"%d" % number for number in range(5)]


def test_a_crowd_of_pipelined_requests_is_cut_off(start: Start) -> None:
    with Client(start()) as client:
        client.send(request() * 100)
        statuses = [client.response()[0] for _ in range(34)]
        assert statuses == [204] * 33 + [503]
        assert client.ended()


def test_a_request_may_come_byte_by_byte(start: Start) -> None:
    with Client(start()) as client:
        for byte in request("/echo", b"x", content_type="text/plain"):
            client.send(bytes((byte,)))
            gevent.sleep(0)  # the server reads it before the next one
        assert client.response()[2] == b"x"


def test_a_chunked_body_arrives_whole(start: Start) -> None:
    with Client(start()) as client:
        client.send(request(transfer_encoding="chunked", content_type="text/plain"))
        client.send(b"3\r\nabc\r\n").send(b"2;ext=1\r\nde\r\n").send(b"0\r\nTrailer: x\r\n\r\n")
        assert client.response()[2] == b"abcde"
        assert client.send(request("/echo", b"next")).response()[2] == b"next"


def test_a_client_that_expects_to_be_told_to_go_on_is_told(start: Start) -> None:
    with Client(start()) as client:
        client.send(request(content_length="1", content_type="text/plain", expect="100-continue"))
        assert client.response()[0] == 100
        assert client.send(b"x").response()[2] == b"x"
        client.send(request(expect="a miracle"))
        assert client.response()[0] == 417


def test_a_body_that_will_be_too_large_is_refused_before_it_is_sent(start: Start) -> None:
    harness = start(max_body_bytes=10)
    with Client(harness) as client:
        client.send(request(content_length="11", expect="100-continue"))
        assert client.response()[0] == 413
        assert client.ended()


def test_an_old_client_is_answered_in_its_way(start: Start) -> None:
    harness = start()
    with Client(harness) as client:
        client.send(b"POST /echo HTTP/1.0\r\nContent-Length: 1\r\n\r\nx")
        assert client.response()[2] == b"x"
        assert client.ended()
    with Client(harness) as client:
        client.send(b"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx")
        assert dict(client.response()[1])["connection"] == "keep-alive"
        assert client.send(request("/echo", b"y")).response()[2] == b"y"


def test_an_upgrade_is_not_made_and_the_request_is_served(start: Start) -> None:
    with Client(start()) as client:
        client.send(request("/echo", b"x", connection="Upgrade, HTTP2-Settings", upgrade="h2c"))
        status, _, body = client.response()
        assert (status, body) == (200, b"x")
        assert client.ended()
    with Client(start()) as client:
        client.send(request(connection="Upgrade", upgrade="websocket"))
        assert client.response()[0] == 204
        assert client.ended()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"POST /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 2000 + b"\r\n\r\n", 431),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(101)) + b"\r\n", 431),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 200_000, 431),
        (request("/echo", b"x" * 101), 413),
        (request(transfer_encoding="chunked") + b"80\r\n" + b"x" * 128 + b"\r\n0\r\n\r\n", 413),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_and_the_connection_ends(
    start: Start, data: bytes, status: int
) -> None:
    harness = start(max_body_bytes=100, max_header_bytes=1000, idle_timeout_s=5.0)
    with Client(harness) as client:
        code, headers, body = client.send(data).response()
        assert (code, dict(headers)["connection"]) == (status, "close")
        assert b"errors" in body
        assert client.ended()
    assert harness.taken() == []


def test_what_came_before_a_broken_request_is_answered(start: Start) -> None:
    with Client(start()) as client:
        client.send(request("/echo", b"good") + b"nonsense\r\n\r\n")
        assert client.response()[2] == b"good"
        assert client.response()[0] == 400
        assert client.ended()


def test_a_body_of_the_largest_size_passes(start: Start) -> None:
    assert ask(start(max_body_bytes=100_000), request("/echo", b"x" * 100_000))[0] == 200


def test_an_idle_connection_is_closed_and_a_slow_request_is_told_why(start: Start) -> None:
    harness = start(idle_timeout_s=0.1)
    with Client(harness) as idle, Client(harness) as slow, Client(harness) as slower:
        slow.send(b"POST /echo HTTP/1.1\r\n")
        slower.send(request(content_length="5") + b"x")
        assert idle.ended()
        assert slow.response()[0] == 408
        assert slower.response()[0] == 408


def test_a_request_that_comes_in_drops_does_not_last_for_ever(start: Start) -> None:
    with Client(start(idle_timeout_s=0.2)) as client:
        client.send(b"POST /echo HTTP/1.1\r\n")
        drops = gevent.spawn(_drip, client)
        try:
            assert client.response()[0] == 408
        finally:
            drops.kill()


def _drip(client: Client) -> None:
    try:
        while True:
            client.send(b"X-A: b\r\n")
            gevent.sleep(0.02)  # how slowly it drips
    except OSError:
        return


def test_too_many_requests_at_a_time_are_refused_with_503(start: Start) -> None:
    slow = Slow()
    harness = start(slow, max_requests=2)
    with Client(harness) as one, Client(harness) as two, Client(harness) as three:
        one.send(request("/echo", b"1"))
        two.send(request("/echo", b"2"))
        until(lambda: slow.begun == 2)
        status, headers, _ = three.send(request("/echo", b"3")).response()
        assert (status, dict(headers)["retry-after"]) == (503, "1")
        slow.go.set()
        assert one.response()[2] == b"1"
        assert two.response()[2] == b"2"
        assert three.send(request("/echo", b"3")).response()[2] == b"3"


def test_connections_beyond_the_limit_wait_until_one_ends(start: Start) -> None:
    harness = start(max_connections=1)
    with Client(harness) as one, Client(harness) as two:
        assert one.send(request("/echo", b"1")).response()[2] == b"1"
        two.send(request("/echo", b"2"))
        assert one.send(request("/echo", b"3")).response()[2] == b"3"
        assert figure(harness, "connections") == 1
        one.sock.close()
        assert two.response()[2] == b"2"


def test_whatever_bytes_come_the_server_answers_the_next_client(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    harness = start(max_body_bytes=1000, max_header_bytes=1000, idle_timeout_s=0.2)
    good = [
        request("/echo?a=%ff", b"<a/>", content_type="text/xml", accept="*/*;q=x, /, ;"),
        request(transfer_encoding="chunked", content_type="text/plain; charset=?") + b"3\r\nabc\r\n0\r\n\r\n",
        request("/echo", b"a=%zz&&=", content_type="application/x-www-form-urlencoded"),
        request("/echo", b"--x\r\n\r\n--x--", content_type="multipart/form-data; boundary=x"),
        request("/echo", b"x", connection="upgrade", upgrade="h2c", expect="100-continue"),
    ]
    dice = random.Random(7)
    for _ in range(400):
        data = bytearray(dice.choice(good))
        for _ in range(dice.randrange(4)):
            place = dice.randrange(len(data))
            data[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
        with Client(harness) as client:
            client.send(bytes(data))
            client.sock.shutdown(SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while client.sock.recv(65536):
                    pass
    assert ask(harness, request("/echo", b"x", content_type="text/plain"))[2] == b"x"
    assert "Traceback" not in caplog.text
