"""The registration service: brokers come, go, die; it dies itself; clients and workers find their way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.directory import state as d
from actorkit.mdp.directory.announcer import address_of, own_endpoint
from actorkit.mdp.directory.discovery import Discovery, ask
from actorkit.mdp.directory.service import RegistrationService
from actorkit.mdp.directory.state import Directory
from actorkit.mdp.worker.worker import Worker
from tests import garbage
from tests.ports import free_port
from tests.runtime.mdp.peers import broker_processes
from tests.until import until


class Running:
    """A registration service in a thread, on a fixed port, that can be started again."""

    def __init__(self, settle_s: float = 0.5) -> None:
        self.endpoint = f"tcp://127.0.0.1:{free_port()}"
        self._settle_s = settle_s
        self.start()

    def start(self) -> None:
        self.service = RegistrationService(self.endpoint, settle_s=self._settle_s)
        self.service.bind()
        self._thread = threading.Thread(target=self.service.run)
        self._thread.start()

    def stop(self) -> None:
        self.service.stop()
        self._thread.join()


@pytest.fixture
def registry() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


def announce(endpoint: str, ttl_s: float = 3.0) -> list[bytes]:
    body = msgspec.msgpack.encode(d.Announcement(endpoint=endpoint, ttl_s=ttl_s))
    return [b"", d.HEADER, d.ANNOUNCE, body]


def names(directory: Directory, now: float) -> list[str]:
    return [broker.endpoint for broker in directory.listing(now).brokers]


def test_a_broker_is_listed_until_its_lifetime_ends() -> None:
    directory = Directory(0.0)
    directory.receive(announce("tcp://a:1"), 0.0)
    directory.receive(announce("tcp://b:1", ttl_s=9), 0.0)
    assert names(directory, 2.9) == ["tcp://a:1", "tcp://b:1"]
    assert names(directory, 3.0) == ["tcp://b:1"]


def test_a_broker_that_leaves_is_not_listed() -> None:
    directory = Directory(0.0)
    directory.receive(announce("tcp://a:1"), 0.0)
    directory.receive([b"", d.HEADER, d.LEAVE, announce("tcp://a:1")[3]], 0.0)
    assert names(directory, 0.1) == []


def test_a_listing_is_complete_only_after_brokers_had_time_to_announce_themselves() -> None:
    directory = Directory(10.0, settle_s=5.0)
    assert not directory.listing(14.9).complete
    assert directory.listing(15.0).complete


def test_a_directory_is_bounded() -> None:
    directory = Directory(0.0)
    for number in range(d.MAX_BROKERS + 5):
        directory.receive(announce(f"tcp://a:{number}"), 0.0)
    assert len(names(directory, 0.1)) == d.MAX_BROKERS
    assert directory.errors["full"] == 5
    directory.receive(announce("http://a"), 0.0)
    directory.receive(announce("tcp://" + "x" * 300), 0.0)
    assert directory.errors["endpoint"] == 2


@given(st.lists(st.one_of(st.binary(max_size=12), st.sampled_from([b"", d.HEADER, d.ANNOUNCE, d.LEAVE, d.LIST]))))
def test_nothing_that_a_directory_is_sent_raises(frames: list[bytes]) -> None:
    directory = Directory(0.0)
    directory.receive(frames, 1.0)
    directory.receive([b"", d.HEADER, *frames], 1.0)
    assert names(directory, 1.0) == []


@pytest.mark.parametrize("announcement", garbage.MAPS)
def test_an_announcement_that_cannot_be_read_is_counted(announcement: bytes) -> None:
    directory = Directory(0.0)
    assert directory.receive([b"", d.HEADER, d.ANNOUNCE, announcement], 0.0) == []
    assert directory.errors == {"announcement": 1}


def test_a_silly_lifetime_is_bounded() -> None:
    directory = Directory(0.0)
    directory.receive(announce("tcp://a:1", ttl_s=float("inf")), 0.0)
    directory.receive(announce("tcp://b:1", ttl_s=float("nan")), 0.0)
    directory.receive(announce("tcp://c:1", ttl_s=-5), 0.0)
    assert names(directory, 1.0) == ["tcp://a:1"]
    assert names(directory, 61.0) == []


@pytest.mark.parametrize("bound", ["tcp://10.1.2.3:5555", "ipc:///broker"])
def test_a_broker_bound_to_one_address_is_reached_there(bound: str) -> None:
    assert own_endpoint(bound, "tcp://127.0.0.1:6000") == bound


def test_a_broker_is_reached_at_the_address_of_its_way_to_the_service() -> None:
    assert own_endpoint("tcp://0.0.0.0:5555", "tcp://127.0.0.1:6000") == "tcp://127.0.0.1:5555"
    assert own_endpoint("tcp://[::]:5555", "tcp://127.0.0.1:6000") == "tcp://127.0.0.1:5555"


@pytest.mark.parametrize("service", ["tcp://nowhere.invalid:6000", "ipc:///registry"])
@pytest.mark.parametrize(
    ("known", "host"), [("10.244.0.9", "10.244.0.9"), ("fd00::9", "[fd00::9]"), ("127.0.1.1", socket.gethostname())]
)
def test_without_a_way_a_broker_is_reached_at_the_address_of_its_own_name(service: str, known: str, host: str) -> None:
    """So it is for pods that start before the service has a name: nobody else knows a pod's own name."""
    assert own_endpoint("tcp://0.0.0.0:5555", service, lambda _: known) == f"tcp://{host}:5555"


def test_the_system_knows_the_address_of_a_name() -> None:
    assert address_of("localhost") in ("127.0.0.1", "::1")
    with pytest.raises(socket.gaierror):
        address_of("nowhere.invalid")


def params(registry: Running) -> dict[str, Any]:
    return {"heartbeat_s": 0.3, "registration": [registry.endpoint], "announce_s": 0.1}


def test_clients_and_workers_follow_brokers_that_come_and_are_killed(registry: Running) -> None:
    endpoint = "registry+" + registry.endpoint
    with broker_processes(2, **params(registry)) as brokers:
        worker = Worker([endpoint], "echo", lambda body: body, heartbeat_s=0.3, resolve_s=0.1)
        client = Client([endpoint], resolve_s=0.1)
        try:
            worker.start()
            assert client.wait(10, brokers=2)
            until(lambda: len(worker.brokers) == 2, "the worker hears both brokers")
            assert client.call("echo", [b"1"], timeout_s=5) == [b"1"]
            brokers[0].kill()
            until(lambda: Discovery().addresses(endpoint) == [brokers[1].endpoint], "the dead broker is forgotten")
            assert client.call("echo", [b"2"], timeout_s=5, retries=1) == [b"2"]
        finally:
            client.close()
            worker.close()


def test_the_service_survives_its_own_restart_and_nobody_loses_a_broker_meanwhile(registry: Running) -> None:
    endpoint = "registry+" + registry.endpoint
    with broker_processes(1, **params(registry)) as (broker,):
        discovery = Discovery()
        until(lambda: discovery.addresses(endpoint) == [broker.endpoint], "the broker is listed")
        registry.stop()
        assert discovery.addresses(endpoint) == [broker.endpoint]
        registry.start()
        assert discovery.addresses(endpoint) == [broker.endpoint]
        until(lambda: ask(registry.endpoint) is not None, "the service is back")
        until(lambda: Discovery().addresses(endpoint) == [broker.endpoint], "the broker is listed again")


def test_a_stopping_broker_takes_itself_off_the_list(
    registry: Running, make_broker: Callable[..., tuple[str, Broker]]
) -> None:
    endpoint, broker = make_broker(registration=[registry.endpoint], announce_s=20)
    until(lambda: Discovery().addresses("registry+" + registry.endpoint) == [endpoint], "the broker is listed")
    broker.stop()
    until(lambda: not registry.service.directory.listing(0).brokers, "it has left")
    assert repr(registry.service) == f"<RegistrationService at {registry.endpoint}: <Directory of 0 brokers>>"
