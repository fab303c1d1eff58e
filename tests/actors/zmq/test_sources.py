"""zmq-pull and zmq-sub, with programs of others as their peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from actorkit import JSONEvent
from actorkit.testing import Harness
from actorkit_actors.zmq.zmq_pull import ZmqPull
from actorkit_actors.zmq.zmq_sub import ZmqSub
from tests.actors.zmq.peers import Pair, peer
from tests.ports import free_port
from tests.until import until


@pytest.mark.parametrize(
    ("params", "frame", "data"),
    [
        ({}, b"\xff\x00", b"\xff\x00"),
        ({}, "zwölf".encode(), "zwölf"),
        ({"format": "json"}, b'{"n": 1}', {"n": 1}),
        ({"format": "json"}, b"no json", "no json"),
        ({"format": "msgpack"}, msgspec.msgpack.encode({"n": [1]}), {"n": [1]}),
        ({"format": "msgpack"}, msgspec.msgpack.encode("12"), "12"),
        ({"format": "msgpack"}, b"\xc1", b"\xc1"),
    ],
)
def test_what_a_foreign_push_sends_becomes_an_event(
    tmp_path: Path, params: dict[str, Any], frame: bytes, data: object
) -> None:
    port = free_port()
    with Harness(ZmqPull, host="127.0.0.1", port=port, **params) as pull:
        with peer(tmp_path, "push", "connect", f"tcp://127.0.0.1:{port}", frame):
            [event] = pull.produce(1)
            assert event.data == data


def test_text_as_msgpack_is_a_json_text_which_json_keeps(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/push"
    with peer(tmp_path, "push", "bind", endpoint, msgspec.msgpack.encode("12")):
        with Harness(ZmqPull, connect=[endpoint], format="msgpack") as pull:
            [event] = pull.produce(1)
            assert event.convert(JSONEvent).data == "12"


def test_a_message_of_more_frames_than_one_is_dropped_and_counted(tmp_path: Path) -> None:
    with Harness(ZmqPull, socket_file=f"{tmp_path}/pull") as pull:
        with peer(tmp_path, "push", "connect", f"ipc://{tmp_path}/pull", [b"one", b"two"], [b"three"]):
            assert [event.data for event in pull.produce(1)] == ["three"]
            assert [figure.value for figure in pull.actor.figures()] == [1]


def test_a_peer_that_sends_too_much_is_let_go_and_others_are_served(tmp_path: Path) -> None:
    with Harness(ZmqPull, socket_file=f"{tmp_path}/pull", max_event_bytes=100) as pull:
        with peer(tmp_path, "push", "connect", f"ipc://{tmp_path}/pull", b"x" * 101):
            with peer(tmp_path, "push", "connect", f"ipc://{tmp_path}/pull", b"x" * 100):
                assert [event.data for event in pull.produce(1)] == ["x" * 100]


def test_what_has_come_is_sent_on_when_the_instance_ends(tmp_path: Path) -> None:
    messages = [str(number).encode() for number in range(200)]
    with Harness(ZmqPull, socket_file=f"{tmp_path}/pull", queue=1000) as pull:
        with peer(tmp_path, "push", "connect", f"ipc://{tmp_path}/pull", *messages) as push:
            until(lambda: push.has_said("sent"), "the peer has given it all to ZeroMQ")
            [first] = pull.produce(1)
            pull.drain()
            assert [event.data for event in pull.taken()] == [first.data, *map(str, range(1, 200))]


@pytest.mark.parametrize("how", ["bind", "connect"])
def test_a_sub_gets_the_topics_that_it_wants(tmp_path: Path, how: str) -> None:
    endpoint = f"tcp://127.0.0.1:{(port := free_port())}"
    params: dict[str, Any] = {"connect": [endpoint]} if how == "bind" else {"host": "127.0.0.1", "port": port}
    messages = (
        [b"news", b"no"],
        [b"orders.new", b"one"],
        [b"orders.old"],
        [b"a", b"b", b"c"],
        [b"orders.\xff", b"two"],
    )
    with Harness(ZmqSub, topics=["orders."], **params) as sub, peer(tmp_path, "pub", how, endpoint, *messages):
        events = sub.produce(3)
        assert [(event.data, event.get("topic")) for event in events] == [
            ("one", "orders.new"),
            ("orders.old", None),
            ("two", "orders.\\xff"),
        ]


def test_curve_lets_in_who_is_allowed_and_nobody_else(tmp_path: Path) -> None:
    port, keys, strangers = free_port(), Pair(), Pair()
    endpoint = f"tcp://127.0.0.1:{port}"
    stranger = {**strangers.other_connects, "server_key": keys.public}
    with Harness(ZmqPull, host="127.0.0.1", port=port, **keys.listening) as pull:
        with peer(tmp_path, "push", "connect", endpoint, b"a stranger's", keys=stranger):
            with peer(tmp_path, "push", "connect", endpoint, b"in the clear"):
                with peer(tmp_path, "push", "connect", endpoint, b"one", b"two", keys=keys.other_connects):
                    assert [event.data for event in pull.produce(2)] == ["one", "two"]
        pull.drain()
        assert [event.data for event in pull.taken()] == ["one", "two"]


def test_a_source_that_is_about_to_stop_makes_nothing_more() -> None:
    with Harness(ZmqPull, host="127.0.0.1", port=free_port()) as pull:
        pull.draining = True
        assert pull.produce(1) == []
