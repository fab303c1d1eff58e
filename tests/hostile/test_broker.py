"""Strangers at the broker that do at once what each can, and leave it with what they sent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from actorkit.errors import ActorkitError
from actorkit.mdp.client.client import Client
from actorkit.mdp.worker.worker import Worker
from tests.hostile import report
from tests.runtime.mdp.broker.test_clients import memory_mb
from tests.runtime.mdp.broker.test_hostile import LIMITS, attack
from tests.runtime.mdp.peers import Peer, broker_processes

#: What a broker with such limits may use, in MB.
BROKER_MB = 128


def test_strangers_that_do_what_they_can(
    make_peer: Callable[..., Peer],
    make_worker: Callable[..., Worker],
    make_client: Callable[..., Client],
    seconds: float,
) -> None:
    with broker_processes(1, heartbeat_s=2, **LIMITS) as (broker,):
        answers = {"echo": lambda body: body, "big": lambda body: [b"x" * 1_000_000]}
        make_worker([broker.endpoint], answers, capacity=8, heartbeat_s=2.0)
        client = make_client(broker.endpoint)
        assert client.call("echo", [b"before"], timeout_s=10, retries=2) == [b"before"]
        taken: list[float] = []
        failed: Counter[str] = Counter()
        attack(make_peer, broker.endpoint)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.perf_counter()
            try:
                client.call("echo", [b"x"], timeout_s=30)
            except ActorkitError as exc:
                failed[exc.message] += 1
            taken.append(time.perf_counter() - begun)
        assert broker.alive
        report.judge(report.figures(taken, failed), memory_mb(broker.pid), BROKER_MB)
