"""zmq-req and zmq-rep, with programs of others as their peers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gevent
import msgspec
import pytest

from actorkit import Event, JSONEvent
from actorkit.errors import Conflict, MalformedEvent
from actorkit.testing import Harness
from actorkit_actors.zmq.zmq_rep import ZmqRep
from actorkit_actors.zmq.zmq_req import ZmqReq
from tests.actors.zmq.peers import Pair, peer
from tests.ports import free_port
from tests.until import until


@pytest.mark.parametrize(
    ("params", "event", "asked", "data"),
    [
        ({}, Event("one"), b"one", "ONE"),
        ({"format": "json"}, JSONEvent(["a"]), b'["a"]', ["A"]),
        ({"format": "msgpack"}, JSONEvent(["a"]), msgspec.msgpack.encode(["a"]), ["A"]),
        ({"format": "json"}, JSONEvent(True), b"true", "TRUE"),
    ],
)
def test_what_a_foreign_rep_replies_is_the_data(
    tmp_path: Path, params: dict[str, Any], event: Event, asked: bytes, data: object
) -> None:
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    with peer(tmp_path, "rep", "bind", endpoint) as rep, Harness(ZmqReq, connect=[endpoint], **params) as req:
        req.put(event, event)
        assert rep.received(2) == [[asked], [asked]]
        assert [answer.data for answer in req.taken()] == [data, data]


def test_several_events_are_asked_at_a_time_and_each_gets_its_own_reply(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/rep"
    with peer(tmp_path, "rep", "bind", endpoint), Harness(ZmqReq, connect=[endpoint]) as req:
        asking = [gevent.spawn(req.actor.consume, Event(letter * 3)) for letter in "abcdefgh"]
        assert [each.get(timeout=20).data for each in asking] == [letter * 3 for letter in "ABCDEFGH"]


def test_a_peer_that_is_not_there_or_does_not_reply_fails_the_event(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/rep"
    with Harness(ZmqReq, connect=[endpoint], timeout_s=0.1) as req:
        req.put(Event("nobody is there"))
        assert [event.failure.status for event in req.errors if event.failure] == [503]
    with peer(tmp_path, "rep", "bind", endpoint, b"") as rep:
        with Harness(ZmqReq, connect=[endpoint], timeout_s=20) as req:
            waiting = gevent.spawn(req.actor.consume, Event("one"))
            assert rep.received(1) == [[b"one"]]
            waiting.kill()
        with Harness(ZmqReq, connect=[endpoint], timeout_s=0.3) as req:
            req.put(Event("two"))
            assert [event.failure.status for event in req.errors if event.failure] == [504]


def test_a_reply_that_came_too_late_is_no_later_events(tmp_path: Path) -> None:
    asked: list[str] = []
    go_on = gevent.event.Event()

    def late(event: Event, outbox: str | None) -> Event:
        asked.append(str(event.data))
        go_on.wait()
        return event.replace(f"to {event.data}")

    with Harness(ZmqRep, answer=late, socket_file=f"{tmp_path}/rep"):
        with Harness(ZmqReq, connect=[f"ipc://{tmp_path}/rep"]) as req:
            given_up = gevent.spawn(req.actor.consume, Event("old"))
            until(lambda: asked == ["old"], "it is asked")
            given_up.kill()
            go_on.set()
            req.put(Event("new"))
            assert [event.data for event in req.taken()] == ["to new"]


def test_a_reply_of_several_frames_fails_the_event(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/rep"
    with peer(tmp_path, "rep", "bind", endpoint, [b"one", b"two"]), Harness(ZmqReq, connect=[endpoint]) as req:
        req.put(Event("?"))
        assert [event.failure.status for event in req.errors if event.failure] == [503]


def answer(event: Event, outbox: str | None) -> Event | None:
    """What the graph behind zmq-rep makes of an event."""
    data = event.data
    if data == "bad":
        raise Conflict("that is taken", code="C7")
    if data == "nothing":
        return None
    return event.replace({"got": data} if isinstance(data, dict) else f"<{data}>")


def test_a_foreign_req_is_answered_whatever_becomes_of_its_request(tmp_path: Path) -> None:
    port = free_port()
    with Harness(ZmqRep, answer=answer, host="127.0.0.1", port=port):
        endpoint = f"tcp://127.0.0.1:{port}"
        with peer(tmp_path, "req", "connect", endpoint, b"one", b"nothing", b"bad", b"two") as req:
            replies = [frames for [frames] in req.received(4)]
    assert replies[:2] == [b"<one>", b""]
    assert json.loads(replies[2]) == {"errors": [{"message": "that is taken", "code": "C7"}], "status": 409}
    assert replies[3] == b"<two>"


@pytest.mark.parametrize(
    ("format_", "write", "read"),
    [("json", msgspec.json.encode, json.loads), ("msgpack", msgspec.msgpack.encode, msgspec.msgpack.decode)],
)
def test_requests_and_replies_are_of_the_format(tmp_path: Path, format_: str, write: Any, read: Any) -> None:
    with Harness(ZmqRep, answer=answer, socket_file=f"{tmp_path}/rep", format=format_):
        with peer(tmp_path, "req", "connect", f"ipc://{tmp_path}/rep", write({"n": 1}), b"\xc1") as req:
            [good], [bad] = req.received(2)
    assert read(good) == {"got": {"n": 1}}
    assert read(bad)["status"] == MalformedEvent.status


def test_a_dealer_is_answered_too_and_what_is_no_request_is_dropped_and_counted(tmp_path: Path) -> None:
    junk: list[list[bytes]] = [[b"no empty frame"], [b"", b"two", b"frames"], [b"", b"", b"two empty ones"]]
    with Harness(ZmqRep, answer=answer, socket_file=f"{tmp_path}/rep") as rep:
        good = [[b"7", b"", b"one"], [b"8", b"proxy", b"", b"two"]]
        with peer(tmp_path, "dealer", "connect", f"ipc://{tmp_path}/rep", *junk, *good) as dealer:
            assert sorted(dealer.received(2)) == [[b"7", b"", b"<one>"], [b"8", b"proxy", b"", b"<two>"]]
        assert [figure.value for figure in rep.actor.figures()] == [len(junk)]


def test_requests_wait_when_too_many_are_under_way(tmp_path: Path) -> None:
    waiting: list[str] = []
    go_on = gevent.event.Event()

    def slow(event: Event, outbox: str | None) -> Event:
        waiting.append(str(event.data))
        go_on.wait()
        return event

    with Harness(ZmqRep, answer=slow, socket_file=f"{tmp_path}/rep", max_requests=2):
        requests = [[b"", str(number).encode()] for number in range(4)]
        with peer(tmp_path, "dealer", "connect", f"ipc://{tmp_path}/rep", *requests) as dealer:
            until(lambda: len(waiting) == 2, "two are under way")
            go_on.set()
            assert sorted(dealer.received(4)) == requests


def test_a_request_in_a_drain_is_told_so(tmp_path: Path) -> None:
    with Harness(ZmqRep, answer=answer, socket_file=f"{tmp_path}/rep") as rep:
        rep.drain()
        with peer(tmp_path, "req", "connect", f"ipc://{tmp_path}/rep", b"one") as req:
            [[reply]] = req.received(1)
    assert json.loads(reply)["status"] == 503


def test_curve_lets_in_who_is_allowed_and_believes_who_is_named(tmp_path: Path) -> None:
    port, keys, strangers = free_port(), Pair(), Pair()
    endpoint = f"tcp://127.0.0.1:{port}"
    stranger = {**strangers.other_connects, "server_key": keys.public}
    with Harness(ZmqRep, answer=answer, host="127.0.0.1", port=port, **keys.listening):
        with peer(tmp_path, "req", "connect", endpoint, b"a stranger's", keys=stranger) as other:
            with peer(tmp_path, "req", "connect", endpoint, b"one", keys=keys.other_connects) as req:
                assert req.received(1) == [[b"<one>"]]
            assert other.process.said() == ""
    port = free_port()
    with peer(tmp_path, "rep", "bind", f"tcp://127.0.0.1:{port}", keys=keys.other_listens):
        with Harness(ZmqReq, connect=[f"tcp://127.0.0.1:{port}"], **keys.connecting) as asking:
            asking.put(Event("one"))
            assert [event.data for event in asking.taken()] == ["ONE"]
