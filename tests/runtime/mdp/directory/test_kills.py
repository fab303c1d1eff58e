"""Registration service and brokers as processes that are killed under load; clients and workers go on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import msgspec
import pytest
import zmq

from actorkit.mdp.client.client import Client
from actorkit.mdp.directory.discovery import Discovery, ask
from actorkit.mdp.directory.state import ANNOUNCE, HEADER, Announcement
from actorkit.mdp.worker.worker import Worker
from tests.runtime.mdp.peers import BrokerProcess, RegistrationProcess, ServerProcess
from tests.until import until

MakeWorker = Callable[..., Worker]
MakeClient = Callable[..., Client]
Start = Callable[[ServerProcess], None]


def echo(body: list[bytes]) -> list[bytes]:
    return body


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that end with the test."""
    started: list[ServerProcess] = []

    def begin(process: ServerProcess) -> None:
        started.append(process)
        process.start()

    yield begin
    for process in started:
        process.kill()


def broker_of(*services: ServerProcess) -> BrokerProcess:
    return BrokerProcess(heartbeat_s=0.3, announce_s=0.1, registration=[one.endpoint for one in services])


class Load:
    """Callers that call as long as the test likes; no call may fail."""

    def __init__(self, client: Client, retries: int, callers: int = 8) -> None:
        self.answers = 0
        self._client = client
        self._retries = retries
        self._stopping = False
        self._callers = [gevent.spawn(self._call, number) for number in range(callers)]

    def _call(self, number: int) -> None:
        turn = 0
        while not self._stopping:
            body = [b"%d.%d" % (number, turn)]
            turn += 1
            assert self._client.call("echo", body, timeout_s=10, retries=self._retries) == body
            self.answers += 1
            gevent.sleep(0.002)

    def goes_on(self, answers: int = 200) -> None:
        wanted = self.answers + answers
        until(lambda: self.answers > wanted, f"the load goes on, {self.answers} answers so far")

    def stop(self) -> None:
        self._stopping = True
        gevent.joinall(self._callers, timeout=20, raise_error=True)


@contextmanager
def load(client: Client, retries: int = 0) -> Iterator[Load]:
    running = Load(client, retries)
    try:
        yield running
    finally:
        running.stop()


def listed(service: ServerProcess) -> list[str]:
    listing = ask(service.endpoint)
    return sorted(broker.endpoint for broker in listing.brokers) if listing is not None else []


def two_brokers(
    start: Start, make_worker: MakeWorker, make_client: MakeClient
) -> tuple[RegistrationProcess, list[BrokerProcess], Worker, Client]:
    """A registration service, two brokers that announce themselves there, and a worker and a client that know both."""
    service = RegistrationProcess()
    start(service)
    brokers = [broker_of(service) for _ in range(2)]
    for broker in brokers:
        start(broker)
    endpoint = "registry+" + service.endpoint
    worker = make_worker([endpoint], "echo", echo, capacity=4)
    client = make_client(endpoint)
    assert client.wait(10, brokers=2)
    until(lambda: len(worker.brokers) == 2, "the worker hears both")
    return service, brokers, worker, client


def test_a_killed_service_costs_no_call_and_is_found_full_again_after_its_restart(
    start: Start, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    service, brokers, worker, client = two_brokers(start, make_worker, make_client)
    with load(client) as running:
        for _ in range(3):
            running.goes_on()
            service.kill()
            running.goes_on(600)
            assert len(client.brokers) == len(worker.brokers) == 2
            service.start()
            until(lambda: listed(service) == sorted(broker.endpoint for broker in brokers), "both are listed again")
    # One who knew nothing before finds them too.
    late = make_client("registry+" + service.endpoint)
    assert late.wait(5, brokers=2)
    assert late.call("echo", [b"x"], timeout_s=5) == [b"x"]


def test_a_killed_broker_is_struck_off_and_costs_a_retry_at_most(
    start: Start, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    service, brokers, worker, client = two_brokers(start, make_worker, make_client)
    with load(client, retries=1) as running:
        running.goes_on()
        brokers[0].kill()
        # Announced every 0.1 s, for three times as long.
        until(lambda: listed(service) == [brokers[1].endpoint], "it is struck off", 2)
        running.goes_on()
        brokers[0].start()
        until(lambda: len(client.brokers) == 2 and len(worker.brokers) == 2, "it is back")
        running.goes_on()


def test_brokers_come_and_go_while_the_service_is_down_and_are_known_seconds_after_it_is_back(
    start: Start, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    service, (old, lasting), worker, client = two_brokers(start, make_worker, make_client)
    new = broker_of(service)
    with load(client, retries=1) as running:
        service.kill()
        old.kill()
        start(new)
        running.goes_on()
        service.start()
        wanted = sorted([lasting.endpoint, new.endpoint])
        until(lambda: sorted(client.brokers) == wanted, "the client knows the new broker", 4)
        until(lambda: set(wanted) <= set(worker.brokers), "the worker knows it", 4)
        running.goes_on()
    until(lambda: Discovery().addresses("registry+" + service.endpoint) == wanted, "the dead one is not listed")


def test_of_two_services_either_may_be_killed(start: Start, make_worker: MakeWorker, make_client: MakeClient) -> None:
    services = [RegistrationProcess() for _ in range(2)]
    for service in services:
        start(service)
    broker = broker_of(*services)
    start(broker)
    endpoints = ["registry+" + service.endpoint for service in services]
    make_worker(endpoints, "echo", echo)
    for service in services:
        until(lambda service=service: listed(service) == [broker.endpoint], "the broker is listed")  # type: ignore[misc]
        service.kill()
        late = make_client(*endpoints)
        assert late.wait(5)
        assert late.call("echo", [b"x"], timeout_s=5, retries=1) == [b"x"]
        service.start()


def test_a_broker_that_none_lists_is_remembered_for_a_while_only_if_another_service_answers(
    start: Start,
) -> None:
    services = [RegistrationProcess(settle_s=0.0) for _ in range(2)]
    for service in services:
        start(service)
    broker = broker_of(services[0])
    start(broker)

    def behind(name: str, *known: ServerProcess) -> list[str]:
        return [service.endpoint for service in known] if "registration" in name else [name]

    both = Discovery(lambda name: behind(name, *services), remember_s=3.0)
    one = Discovery(lambda name: behind(name, services[0]), remember_s=3.0)
    endpoint = "registry+tcp://registration:6000"
    for found in (both, one):
        until(lambda found=found: found.addresses(endpoint), "it is listed")  # type: ignore[misc]
    services[0].kill()
    assert both.addresses(endpoint)
    until(lambda: not both.addresses(endpoint), "the one that answers has not listed it for a while")
    assert one.addresses(endpoint), "nobody answers, so nobody is forgotten"


def test_a_broker_bound_to_every_interface_is_reached_from_elsewhere_under_what_it_announces(
    start: Start, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it tells which address leads out of this host
        except OSError as exc:
            pytest.skip(f"this host has no address but the loopback's: {exc}")
        host = str(probe.getsockname()[0])
    service = RegistrationProcess(host=host)
    start(service)
    parameters: dict[str, Any] = {"heartbeat_s": 0.3, "announce_s": 0.1, "registration": [service.endpoint]}
    broker = BrokerProcess(host="0.0.0.0", clear=True, **parameters)
    start(broker)
    until(lambda: listed(service) == [f"tcp://{host}:{broker.port}"], "it is listed under an address for others")
    endpoint = "registry+" + service.endpoint
    make_worker([endpoint], "echo", echo)
    assert make_client(endpoint).call("echo", [b"x"], timeout_s=5, retries=1) == [b"x"]


def announce(service: ServerProcess, endpoint: str, ttl_s: float) -> None:
    """Announce a broker once, in its place."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket_:
        socket_.connect(service.endpoint)
        body = msgspec.msgpack.encode(Announcement(endpoint=endpoint, ttl_s=ttl_s))
        socket_.send_multipart([b"", HEADER, ANNOUNCE, body])
        until(lambda: listed(service) == [endpoint], "it is listed")


def test_a_broker_that_does_not_reach_the_service_keeps_those_that_it_has_until_it_ends(
    start: Start, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    service, broker = RegistrationProcess(settle_s=0.0), BrokerProcess(heartbeat_s=0.3)
    start(service)
    start(broker)
    announce(service, broker.endpoint, ttl_s=2.0)
    endpoint = "registry+" + service.endpoint
    worker, client = make_worker([endpoint], "echo", echo), make_client(endpoint)
    until(lambda: worker.brokers and client.brokers, "both know the broker")
    with load(client) as running:
        until(lambda: listed(service) == [], "it is listed no more")
        asked = service.metric("actorkit_registration_listings_total")
        until(lambda: service.metric("actorkit_registration_listings_total") > asked + 10, "both have heard of it")
        running.goes_on()
    broker.kill()
    until(lambda: not worker.brokers and not client.brokers, "it is there no more")
    broker.start()
    assert not client.wait(1.0), "nobody knows of it any more"
