"""Strangers do at once what each can; an honest client beside them gets every answer, and the broker stays small."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import msgspec
import pytest
import zmq

from actorkit.mdp.broker.mmi import ServiceReport
from actorkit.mdp.client.client import Client
from actorkit.mdp.worker.worker import Worker
from tests.runtime.mdp.broker.test_clients import memory_mb
from tests.runtime.mdp.peers import Peer, broker_processes

LIMITS = {"max_body_bytes": 1_000_000, "client_bytes_limit": 32_000_000, "queue_bytes_limit": 32_000_000}
REQUEST = (b"", b"MDPC01")


def attack(make_peer: Callable[..., Peer], endpoint: str) -> list[Peer]:
    """Send everything; nothing of it is ever read."""
    deaf, namer, hog, large, junk = strangers = [make_peer(endpoint) for _ in range(5)]
    deaf.socket.setsockopt(zmq.RCVHWM, 1)
    chance = random.Random(7)
    for number in range(10_000):
        namer.send(*REQUEST, b"made-up-%d" % number, b"x")
        hog.send(*REQUEST, b"echo", b"x" * 100)
        hog.send(*REQUEST, b"echo", b"x" * 100)
        if number % 40 == 0:
            deaf.send(*REQUEST, b"big", b"x")
        if number % 500 == 0:
            large.send(*REQUEST, b"echo", b"x" * 3_000_000)
            large.send(*REQUEST, b"nobody", b"x" * 900_000)
        if number % 10 == 0:
            junk.send(*(chance.randbytes(chance.randint(0, 9)) for _ in range(chance.randint(1, 6))))
    return strangers


@pytest.mark.timeout(120)
def test_an_honest_client_gets_every_answer_beside_strangers_that_do_what_they_can(
    make_peer: Callable[..., Peer], make_worker: Callable[..., Worker], make_client: Callable[..., Client]
) -> None:
    with broker_processes(1, heartbeat_s=2, **LIMITS) as (broker,):
        answers = {"echo": lambda body: body, "big": lambda body: [b"x" * 1_000_000]}
        make_worker([broker.endpoint], answers, capacity=8, heartbeat_s=2.0)
        client = make_client(broker.endpoint)
        assert client.call("echo", [b"before"], timeout_s=10, retries=2) == [b"before"]
        attack(make_peer, broker.endpoint)
        (listed,) = client.call("mmi.queue", [b""], timeout_s=10)
        before = msgspec.json.decode(listed, type=dict[str, ServiceReport])
        assert before["echo"].queue > 1000
        assert len(before) > 50
        took: list[float] = []
        for number in range(100):
            started = time.perf_counter()
            assert client.call("echo", [b"%d" % number], timeout_s=10) == [b"%d" % number]
            took.append(time.perf_counter() - started)
        late = make_worker([broker.endpoint], "late", lambda body: body, heartbeat_s=2.0)
        assert client.call("late", [b"x"], timeout_s=10) == [b"x"]
        assert late.requests == 1
        assert broker.alive
        assert memory_mb(broker.pid) < 128
        assert sorted(took)[50] < 0.25
        assert max(took) < 5
