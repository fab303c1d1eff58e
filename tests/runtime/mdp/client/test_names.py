"""Names behind which brokers come and go, and a name server that is away."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.worker.worker import Worker
from actorkit.transport.resolver import Resolver
from tests.runtime.mdp.peers import broker_processes
from tests.until import until

MakeBroker = Callable[..., tuple[str, Broker]]
Body = list[bytes]


MakeWorker = Callable[..., Worker]
MakeClient = Callable[..., Client]


def echo(body: Body) -> Body:
    return body


def test_a_broker_that_appears_behind_a_name_is_used(make_worker: MakeWorker, make_client: MakeClient) -> None:
    with broker_processes(2) as brokers:
        known = [brokers[0].endpoint]
        options: dict[str, Any] = {"addresses": lambda _: list(known)}
        worker = make_worker(["tcp://brokers:5555"], "echo", echo, **options)
        client = make_client("tcp://brokers:5555", **options)
        assert client.wait(5)
        known.append(brokers[1].endpoint)
        assert client.wait(5, brokers=2)
        until(lambda: len(worker.brokers) == 2, "the worker hears both")
        known.remove(brokers[0].endpoint)
        until(lambda: client.brokers == [brokers[1].endpoint], "the first is left")
        assert client.call("echo", [b"x"], timeout_s=5) == [b"x"]


@pytest.mark.parametrize("told", [[], ["tcp://127.0.0.1:9"]], ids=["nothing", "a wrong address"])
def test_an_idle_broker_is_kept_when_its_name_leads_nowhere(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient, told: list[str]
) -> None:
    known = [broker[0]]
    options: dict[str, Any] = {"addresses": lambda _: list(known)}
    worker = make_worker(["tcp://brokers:5555"], "echo", echo, **options)
    client = make_client("tcp://brokers:5555", **options)
    assert client.wait(5)
    until(lambda: worker.brokers == [broker[0]], "the worker is there")
    known[:] = told
    until(lambda: "unlisted" in repr(client), "the broker is listed no more")
    for _ in range(10):
        gevent.sleep(0.1)  # as often as it is looked up
        assert client.call("echo", [b"y"], timeout_s=5) == [b"y"]
    assert (client.brokers, worker.brokers) == ([broker[0]], [broker[0]])


def test_a_name_server_that_is_away_costs_callers_nothing(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    away = Event()

    def look_up(host: str) -> list[str]:
        if away.is_set():
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return ["127.0.0.1"]

    name = broker[0].replace("127.0.0.1", "brokers")
    worker = make_worker([name], "echo", echo, addresses=Resolver(look_up).addresses)
    client = make_client(name, addresses=Resolver(look_up).addresses)
    assert client.wait(5)
    until(lambda: worker.brokers == [broker[0]], "the worker is there")
    away.set()
    for _ in range(10):
        gevent.sleep(0.1)  # as often as it is looked up
        assert client.call("echo", [b"x"], timeout_s=5) == [b"x"]
    assert "unlisted" not in repr(client)


def test_a_call_that_waits_for_a_broker_goes_on_when_one_is_listed(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    known: list[str] = []
    make_worker([broker[0]], "echo", echo)
    client = make_client("tcp://brokers:5555", addresses=lambda _: list(known))
    waiting = gevent.spawn(client.call, "echo", [b"y"], timeout_s=20)
    waiting.join(timeout=0.1)
    assert not waiting.ready(), "the call waits"
    known.append(broker[0])
    waiting.join(timeout=3)
    assert waiting.value == [b"y"]
