"""http-server over real sockets: what it holds, and whom it gives up for others."""

from __future__ import annotations

import gevent
from gevent import socket

from actorkit import Event
from actorkit.process.memory import memory_limit_bytes
from actorkit_actors.http.budget import default_bytes
from tests.actors.http.client import Client, Slow, Start, ask, figure, refused, request
from tests.until import until

MB = 1 << 20


def test_what_is_answered_holds_nothing(start: Start) -> None:
    held: list[float] = []

    def answer(event: Event, _: str | None) -> Event:
        held.append(figure(harness, "held_bytes"))
        return event

    harness = start(answer, memory_bytes=8 * MB)
    with Client(harness) as client:
        for size in (100, 3 * MB):
            assert client.send(request("/echo", b"x" * size)).response()[0] == 200
            assert held.pop() >= size, "it is held while it is worked on"
            assert figure(harness, "held_bytes") == 0


def test_a_request_holds_its_bytes_until_its_event_is_finished(start: Start) -> None:
    slow = Slow()
    harness = start(slow, memory_bytes=8 * MB)
    with Client(harness) as client:
        client.send(request("/echo", b"x" * MB))
        until(lambda: slow.begun == 1)
        assert figure(harness, "held_bytes") >= MB
        slow.go.set()
        assert client.response()[0] == 200
    assert figure(harness, "held_bytes") == 0


def test_beyond_the_budget_there_is_503_and_room_for_small_ones(start: Start) -> None:
    slow = Slow()
    harness = start(slow, memory_bytes=8 * MB, max_requests=100)
    with Client(harness) as one, Client(harness) as two, Client(harness) as three:
        one.send(request("/echo", b"x" * (5 * MB)))
        until(lambda: slow.begun == 1)
        status, headers, _ = two.send(request("/echo", b"y" * (2 * MB))).response()
        assert (status, dict(headers)["retry-after"]) == (503, "1")
        assert refused(harness) == {"memory": 1}
        three.send(request("/echo", b"z"))
        until(lambda: slow.begun == 2)
        slow.go.set()
        assert three.response()[2] == b"z"
        assert len(one.response()[2]) == 5 * MB
    assert ask(harness, request("/echo", b"y" * (2 * MB)))[0] == 200


def test_a_body_that_never_fits_is_413(start: Start) -> None:
    harness = start(memory_bytes=8 * MB)
    with Client(harness) as client:
        client.send(request(content_length=str(7 * MB), expect="100-continue"))
        assert client.response()[0] == 413


def test_a_document_that_is_large_in_memory_is_refused_before_it_is_read(start: Start) -> None:
    harness = start(memory_bytes=8 * MB)
    document = b"<a>" + b"<a/>" * 100_000 + b"</a>"
    assert ask(harness, request("/echo", document, content_type="text/xml"))[0] == 413
    assert ask(harness, request("/echo", document, content_type="text/plain"))[0] == 200


def test_who_does_not_get_on_is_given_up_for_others(start: Start) -> None:
    harness = start(memory_bytes=8 * MB)
    with Client(harness) as stuck:
        stuck.send(request(content_length=str(5 * MB)) + b"x" * (4 * MB))
        until(lambda: figure(harness, "held_bytes") >= 4 * MB)
        until(lambda: ask(harness, request("/echo", b"y" * (4 * MB)))[0] == 200)
        assert stuck.response()[0] == 503
    assert refused(harness)["stalled"] == 1


def test_who_does_not_read_its_answer_is_given_up_for_others(start: Start) -> None:
    harness = start(
        lambda event, outbox: event if outbox == "echo" else event.replace(b"x" * (6 * MB)),
        ("echo", "large"),
        memory_bytes=8 * MB,
    )
    with Client(harness) as deaf:
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.send(request("/large"))
        until(lambda: figure(harness, "held_bytes") > 4 * MB)
        until(lambda: ask(harness, request("/echo", b"y" * (4 * MB)))[0] == 200, pause_s=0.05)
        assert refused(harness)["unread"] == 1
    until(lambda: figure(harness, "held_bytes") == 0)


def test_requests_behind_an_unanswered_one_are_the_first_to_go(start: Start) -> None:
    slow = Slow()

    def answer(event: Event, outbox: str | None) -> Event:
        return slow(event, outbox) if outbox == "echo" else event.replace(b"x" * (9 * MB))

    harness = start(answer, outboxes=("echo", "large"), memory_bytes=8 * MB)
    with Client(harness) as many, Client(harness) as deaf, Client(harness) as other:
        many.send(request("/echo", b"1") + request("/echo", b"2"))
        until(lambda: slow.begun == 1)
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.send(request("/large"))  # its answer alone is more than all may hold
        until(lambda: refused(harness))
        assert refused(harness) == {"pipelined": 1}, "the one that does not read its answer has a second for it"
        slow.go.set()
        status, headers, body = many.response()
        assert (status, dict(headers)["connection"], body) == (200, "close", b"1")
        assert many.ended()
        until(lambda: refused(harness) == {"pipelined": 1, "unread": 1})
        assert other.send(request("/echo", b"3")).response()[2] == b"3"


def test_a_dead_outbox_does_not_take_all_places(start: Start) -> None:
    slow = Slow()

    def answer(event: Event, outbox: str | None) -> Event:
        return slow(event, outbox) if outbox == "dead" else event

    harness = start(answer, outboxes=("echo", "dead"), max_requests=4)
    waiting = [Client(harness) for _ in range(4)]
    for client in waiting[:3]:
        client.send(request("/dead"))
    until(lambda: slow.begun == 3)
    assert waiting[3].send(request("/dead")).response()[0] == 503
    assert ask(harness, request("/echo", b"x"))[0] == 200
    slow.go.set()
    for client in waiting:
        client.sock.close()
    gevent.sleep(0)  # what is closed is seen


def test_the_longest_idle_connection_makes_room_for_a_new_one(start: Start) -> None:
    harness = start(max_connections=1)
    with Client(harness) as idle, Client(harness) as new:
        assert idle.send(request("/echo", b"1")).response()[2] == b"1"
        assert new.send(request("/echo", b"2")).response()[2] == b"2"
        assert idle.ended()


def test_a_server_that_is_not_told_how_much_it_may_hold_takes_a_part_of_its_memory(start: Start) -> None:
    assert figure(start(), "budget_bytes") == default_bytes(memory_limit_bytes())


def test_what_is_held_and_refused_is_among_the_figures(start: Start) -> None:
    harness = start(memory_bytes=8 * MB)
    assert ask(harness, request())[0] == 204
    assert ask(harness, b"nonsense\r\n\r\n")[0] == 400
    found = {(one.name, one.label_value): one.value for one in harness.actor.figures()}
    assert found["actorkit_http_responses", "204"] == 1
    assert found["actorkit_http_responses", "400"] == 1
    assert found["actorkit_http_refused", "broken"] == 1
    assert found["actorkit_http_held_bytes", ""] == 0
    assert found["actorkit_http_budget_bytes", ""] == 8 * MB
    assert found["actorkit_http_waiting", ""] == 0
