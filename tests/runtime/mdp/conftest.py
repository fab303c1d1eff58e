"""A broker in a thread and foreign peers for it; each test ends with all of them closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.thread import BrokerThread
from actorkit.mdp.worker.worker import Worker
from tests.runtime.mdp.peers import Peer


@pytest.fixture
def make_broker() -> Iterator[Callable[..., tuple[str, Broker]]]:
    """Start brokers with the given parameters; returns (endpoint, broker)."""
    threads: list[BrokerThread] = []

    def make(**params: Any) -> tuple[str, Broker]:
        thread = BrokerThread(Broker.Params(**{"heartbeat_s": 0.25, "drain_timeout_s": 0.2, **params}))
        threads.append(thread)
        return thread.start(), thread.broker

    yield make
    for thread in threads:
        thread.stop()


@pytest.fixture
def broker(make_broker: Callable[..., tuple[str, Broker]]) -> tuple[str, Broker]:
    return make_broker()


@pytest.fixture
def make_peer() -> Iterator[Callable[..., Peer]]:
    """Connect foreign peers: DEALERs that send what the test says."""
    context: zmq.Context[Any] = zmq.Context()
    peers: list[Peer] = []

    def make(endpoint: str, identity: bytes | None = None) -> Peer:
        peers.append(Peer(context, endpoint, identity))
        return peers[-1]

    yield make
    for peer in peers:
        peer.close()
    context.term()


@pytest.fixture
def make_worker() -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def make(*args: Any, **options: Any) -> Worker:
        worker = Worker(*args, **{"heartbeat_s": 0.25, "resolve_s": 0.1, **options})
        workers.append(worker)
        worker.start()
        return worker

    yield make
    for worker in workers:
        worker.close()


@pytest.fixture
def make_client() -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def make(*endpoints: str, **options: Any) -> Client:
        clients.append(Client(endpoints, **{"resolve_s": 0.1, **options}))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
