"""What is wrong with the parameters of the actors that speak ZeroMQ is found before anything starts."""

from __future__ import annotations

from typing import Any

import pytest
import zmq

from actorkit import params
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.zmq.zmq_pull import ZmqPull
from actorkit_actors.zmq.zmq_push import ZmqPush
from actorkit_actors.zmq.zmq_req import ZmqReq
from tests.ports import free_port

PUBLIC, SECRET = (key.decode() for key in zmq.curve_keypair())
OTHERS = zmq.curve_keypair()[0].decode()


@pytest.mark.parametrize(
    ("cls", "given", "path", "says"),
    [
        (ZmqReq, {}, "connect", "name the peer"),
        (ZmqPush, {"connect": ["tcp:/x:1"]}, "connect[0]", "is not a ZeroMQ endpoint"),
        (ZmqPush, {"connect": ["tcp://a:1", "tcp://*:1"]}, "connect[1]", "nothing to connect to"),
        (ZmqPush, {"connect": ["inproc://x"]}, "connect[0]", "nothing to connect to"),
        (ZmqPull, {"threads": 2}, "threads", "leave this at 0"),
        (ZmqPull, {"secret_key": SECRET}, "allowed", "this is missing"),
        (ZmqPull, {"allowed": [PUBLIC]}, "secret_key", "this is missing"),
        (ZmqPull, {"secret_key": SECRET, "allowed": ["x"]}, "allowed[0]", "CURVE key"),
        (ZmqPull, {"secret_key": SECRET, "allowed": [PUBLIC], "server_key": OTHERS}, "server_key", "never used"),
        (ZmqPush, {"connect": ["tcp://a:1"], "secret_key": SECRET, "public_key": PUBLIC}, "server_key", "missing"),
        (
            ZmqPush,
            {"connect": ["tcp://a:1"], "secret_key": SECRET, "public_key": OTHERS, "server_key": OTHERS},
            "public_key",
            "no pair",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(cls: Any, given: dict[str, Any], path: str, says: str) -> None:
    [problem] = cls.check(params.build(cls.Params, given))
    assert problem.path == path
    assert says in problem.message
    assert SECRET not in problem.message


def test_a_port_that_is_taken_ends_the_start() -> None:
    port = free_port()
    with Harness(ZmqPull, host="127.0.0.1", port=port), pytest.raises(SettingsError, match="cannot listen on"):
        Harness(ZmqPull, host="127.0.0.1", port=port)
