"""zmq-push and zmq-pub, with programs of others as their peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from actorkit import Event, JSONEvent
from actorkit.testing import Harness
from actorkit_actors.zmq.zmq_pub import ZmqPub
from actorkit_actors.zmq.zmq_push import ZmqPush
from tests.actors.zmq.peers import Pair, peer
from tests.ports import free_port
from tests.until import until

FORMATS = [
    ({}, Event(b"\xff\x00"), b"\xff\x00"),
    ({}, Event("zwölf"), "zwölf".encode()),
    ({"format": "json"}, Event("12"), b"12"),
    ({"format": "msgpack"}, JSONEvent({"n": [1, None]}), msgspec.msgpack.encode({"n": [1, None]})),
]


@pytest.mark.parametrize(("params", "event", "frame"), FORMATS)
def test_what_is_pushed_comes_to_a_foreign_pull(
    tmp_path: Path, params: dict[str, Any], event: Event, frame: bytes
) -> None:
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    with peer(tmp_path, "pull", "bind", endpoint) as pull, Harness(ZmqPush, connect=[endpoint], **params) as push:
        push.put(event)
        assert pull.received(1) == [[frame]]
        assert [sent.data for sent in push.taken()] == [event.data]


def test_each_pull_that_connects_gets_its_share(tmp_path: Path) -> None:
    port = free_port()
    with Harness(ZmqPush, host="127.0.0.1", port=port) as push:
        endpoint = f"tcp://127.0.0.1:{port}"
        with peer(tmp_path, "pull", "connect", endpoint) as one, peer(tmp_path, "pull", "connect", endpoint) as other:
            count = 0
            while not (one.process.said() and other.process.said()):
                push.put(Event(str(count)))
                count += 1
            until(lambda: one.process.said().count("\n") + other.process.said().count("\n") == count, "all come")


def test_an_event_fails_when_no_pull_is_there_and_waits_for_one_that_comes(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/pull"
    with Harness(ZmqPush, connect=[endpoint], timeout_s=0.05) as push:
        push.put(Event("nobody is there"))
        [failed] = push.errors
        assert failed.failure is not None
        assert failed.failure.status == 503
        assert endpoint in failed.failure.message
    with Harness(ZmqPush, connect=[endpoint]) as push, peer(tmp_path, "pull", "bind", endpoint) as pull:
        push.put(Event("one"))
        assert pull.received(1) == [[b"one"]]


def test_what_was_pushed_is_sent_though_the_instance_ends(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/pull"
    with peer(tmp_path, "pull", "bind", endpoint) as pull:
        with Harness(ZmqPush, connect=[endpoint], queue=1000) as push:
            push.put(*(Event(str(number)) for number in range(500)))
        assert pull.received(500) == [[str(number).encode()] for number in range(500)]


@pytest.mark.parametrize(
    ("params", "frames"),
    [
        ({}, [b"text"]),
        ({"topic": "orders"}, [b"orders", b"text"]),
        ({"topic": "orders", "topic_from": "attributes/kind"}, [b"new", b"text"]),
        ({"topic": "orders", "topic_from": "attributes/missing"}, [b"orders", b"text"]),
    ],
)
def test_what_is_published_comes_to_a_foreign_sub_with_its_topic(
    tmp_path: Path, params: dict[str, Any], frames: list[bytes]
) -> None:
    port = free_port()
    with Harness(ZmqPub, host="127.0.0.1", port=port, **params) as pub:
        with peer(tmp_path, "sub", "connect", f"tcp://127.0.0.1:{port}", frames[0]) as sub:

            def came() -> bool:
                pub.put(Event("text", attributes={"kind": "new"}))
                return bool(sub.process.said())

            until(came, "it has subscribed")
            assert sub.received(1) == [frames]


def test_a_topic_that_is_no_text_fails_the_event() -> None:
    with Harness(ZmqPub, host="127.0.0.1", port=free_port(), topic_from="attributes/kind") as pub:
        pub.put(Event("text", attributes={"kind": 5}))
        assert [event.failure.status for event in pub.errors if event.failure] == [400]


def test_curve_is_spoken_with_a_pull_that_listens_and_a_stranger_gets_nothing(tmp_path: Path) -> None:
    endpoint, keys, strangers = f"tcp://127.0.0.1:{free_port()}", Pair(), Pair()
    with peer(tmp_path, "pull", "bind", endpoint, keys=keys.other_listens) as pull:
        for wrong in ({}, strangers.connecting):
            with Harness(ZmqPush, connect=[endpoint], timeout_s=0.3, **wrong) as push:
                push.put(Event("secret"))
                assert [event.failure.status for event in push.errors if event.failure] == [503]
        with Harness(ZmqPush, connect=[endpoint], **keys.connecting) as push:
            push.put(Event("one"))
            assert pull.received(1) == [[b"one"]]
