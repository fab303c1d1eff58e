"""A thousand clients and fifty workers: no request is lost, and the broker's memory stays within bounds.

It runs for ACTORKIT_SOAK_S seconds, 4 by default; from 60 on, memory must not grow any more in its second half either.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.runtime.mdp.peers import BrokerProcess, broker_processes

CLIENTS, WORKERS = 1000, 50
SECONDS = float(os.environ.get("ACTORKIT_SOAK_S", "4"))


@pytest.fixture
def files() -> Iterator[None]:
    """Room for two file descriptors a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * (CLIENTS + WORKERS)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} file descriptors, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory_mb(broker: BrokerProcess) -> float:
    for line in Path(f"/proc/{broker.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


@pytest.mark.timeout(120 + SECONDS)
@pytest.mark.usefixtures("files")
def test_a_thousand_clients_and_fifty_workers_lose_nothing_and_memory_stays_flat() -> None:
    context: zmq.Context[Any] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 3 * CLIENTS)
    sockets: list[zmq.Socket[bytes]] = []
    poller = zmq.Poller()

    def connect(endpoint: str) -> zmq.Socket[bytes]:
        made: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        made.linger = 0
        made.connect(endpoint)
        poller.register(made, zmq.POLLIN)
        sockets.append(made)
        return made

    with broker_processes(1, heartbeat_s=2.0) as (broker,):
        try:
            workers = {connect(broker.endpoint) for _ in range(WORKERS)}
            for worker in workers:
                worker.send_multipart([b"", b"MDPW01", b"\x01", b"echo"])
            asked: dict[zmq.Socket[bytes], int] = {}
            for _ in range(CLIENTS):
                client = connect(broker.endpoint)
                asked[client] = 0
                client.send_multipart([b"", b"MDPC01", b"echo", b"0"])
            started = time.monotonic()
            beat = started
            half_mb = 0.0
            waiting = CLIENTS
            answers = 0
            while waiting:
                now = time.monotonic()
                assert now < started + SECONDS + 60, f"{waiting} requests have no answer"
                if now > beat + 1:
                    beat = now
                    for worker in workers:
                        worker.send_multipart([b"", b"MDPW01", b"\x04"])
                if not half_mb and now > started + SECONDS / 2:
                    half_mb = memory_mb(broker)
                for ready, _ in poller.poll(1000):
                    frames = ready.recv_multipart()
                    if ready in workers:
                        if frames[2] == b"\x02":
                            ready.send_multipart([b"", b"MDPW01", b"\x03", *frames[3:]])
                        continue
                    answers += 1
                    assert frames[3] == b"%d" % asked[ready], "an answer to another request"
                    asked[ready] += 1
                    if now < started + SECONDS:
                        ready.send_multipart([b"", b"MDPC01", b"echo", b"%d" % asked[ready]])
                    else:
                        waiting -= 1
            assert broker.alive
            assert answers > 5 * CLIENTS
            # libzmq keeps two to four blocks of 16 KiB for each connection once 256 frames have passed through it.
            assert memory_mb(broker) < 60 + 0.08 * (CLIENTS + WORKERS)
            if SECONDS >= 60:
                assert memory_mb(broker) < half_mb + 3
        finally:
            for made in sockets:
                made.close(0)
            context.term()
