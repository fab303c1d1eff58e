"""mdp-client and mdp-worker as processes, between a source and a sink, while each process around them is killed."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import Fleet, Process
from tests.ports import free_port
from tests.runtime.mdp.peers import BrokerProcess, broker_processes
from tests.until import until

COUNT = 120


class Graph:
    """asker → client → sink, client.error → failures; worker → answerer → worker, answerer.error → worker."""

    def __init__(self, fleet: Fleet, brokers: str) -> None:
        self.fleet = fleet
        self._brokers = brokers

    def start(self, actor: str, cls: str, outboxes: dict[str, str], **params: Any) -> Process:
        variables = {f"outbox_{name}": to for name, to in outboxes.items()}
        return self.fleet.start(actor, cls, 1, brokers=self._brokers, params=json.dumps(params), **variables)

    def asker(self, **params: Any) -> Process:
        return self.start("asker", "tests.runtime.mdp.actors:Asker", {"client": "client"}, **params)

    def client(self, **params: Any) -> Process:
        outboxes = {"sink": "sink", "error": "failures"}
        return self.start("client", "actorkit_actors.mdp.mdp_client:MDPClient", outboxes, **params)

    def sinks(self) -> None:
        for actor in ("sink", "failures"):
            self.start(actor, "tests.runtime.mdp.actors:Notes", {}, file=self.file(actor))

    def worker(self, cls: str = "actorkit_actors.mdp.mdp_worker:MDPWorker", **params: Any) -> Process:
        return self.start("worker", cls, {"answerer": "answerer"}, **params)

    def answerer(self, **params: Any) -> Process:
        outboxes = {"worker": "worker", "error": "worker"}
        return self.start("answerer", "tests.runtime.mdp.actors:Answerer", outboxes, file=self.file("done"), **params)

    def file(self, actor: str) -> str:
        return str(self.fleet.folder / f"{actor}.notes")

    def noted(self, actor: str) -> list[dict[str, Any]]:
        path = Path(self.file(actor))
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def numbers(self, actor: str) -> list[int]:
        return [line["number"] for line in self.noted(actor)]


@pytest.fixture
def graph(fleet: Fleet) -> Callable[..., Graph]:
    return lambda *brokers: Graph(fleet, " ".join(broker.endpoint for broker in brokers))


@pytest.mark.timeout(180)
def test_services_are_named_by_the_events_and_every_answer_arrives_though_brokers_are_killed(
    graph: Callable[..., Graph],
) -> None:
    with broker_processes(2, heartbeat_s=0.5) as brokers:
        made = graph(*brokers)
        made.sinks()
        made.worker(services=["orders", "returns"], capacity=8, heartbeat_s=0.5)
        made.answerer(pause_s=0.05)
        made.client(prefix="or", postfix="s", retries=1, concurrency=8, timeout_s=20)
        made.asker(count=COUNT, services=["der"])
        for killed in brokers:
            before = len(made.numbers("sink"))
            until(lambda before=before: len(made.numbers("sink")) > before + 20, "the load runs", 30)  # type: ignore[misc]
            killed.kill()
            killed.start()
        until(lambda: len(set(made.numbers("sink"))) == COUNT, "every answer arrives", 60)
        assert sorted(made.numbers("sink")) == list(range(COUNT)), "none twice"
        assert {line["asked"] for line in made.noted("sink")} == {"orders"}
        assert made.noted("failures") == []


@pytest.mark.timeout(120)
def test_a_request_keeps_its_event_unacknowledged_until_the_answer_is_delivered(graph: Callable[..., Graph]) -> None:
    with broker_processes(1, heartbeat_s=0.5) as (broker,):
        made = graph(broker)
        made.worker(service="orders", capacity=16, heartbeat_s=0.5)
        made.answerer()
        client = made.client(service="orders", concurrency=4)
        asker = made.asker(count=COUNT)
        until(lambda: len(made.numbers("done")) >= 4, "the worker has answered")
        # No sink: the answers are in the client, undelivered, and their events are the asker's still.
        assert asker.metric("actorkit_in_flight", outbox="client") + asker.metric("actorkit_backlog") > 0
        client.kill()
        client = made.fleet.restart(client)
        until(lambda: client.metric("actorkit_in_flight") or len(made.numbers("done")) > 8, "it goes on")
        client.kill()
        made.fleet.restart(client)
        made.sinks()
        until(lambda: set(made.numbers("sink")) == set(range(COUNT)), "every answer arrives", 60)
        assert made.noted("failures") == []


@pytest.mark.timeout(120)
def test_a_killed_worker_costs_nobody_an_answer(graph: Callable[..., Graph]) -> None:
    with broker_processes(1, heartbeat_s=0.5) as (broker,):
        made = graph(broker)
        made.sinks()
        worker = made.worker(service="orders", capacity=8, heartbeat_s=0.5)
        made.answerer(pause_s=0.05)
        made.client(service="orders", concurrency=8)
        made.asker(count=COUNT)
        for _ in range(2):
            before = len(made.numbers("sink"))
            until(lambda before=before: len(made.numbers("sink")) > before + 20, "the load runs", 30)  # type: ignore[misc]
            worker.kill()
            worker = made.fleet.restart(worker)
        until(lambda: len(made.numbers("sink")) >= COUNT, "every answer arrives", 60)
        assert sorted(made.numbers("sink")) == list(range(COUNT))
        assert made.noted("failures") == []


@pytest.mark.timeout(120)
def test_error_answers_are_errors_of_their_class(graph: Callable[..., Graph]) -> None:
    with broker_processes(1, heartbeat_s=0.5, services={"full": {"queue_limit": 0}}) as (broker,):
        made = graph(broker)
        made.sinks()
        made.worker(service="orders", heartbeat_s=0.5)
        made.answerer(refused=[0])
        made.client(timeout_s=3)
        made.asker(count=4, services=["orders", "full", "nobody", ""])
        until(lambda: len(made.noted("failures")) == 4, "all have failed", 30)
        failures = {line["number"]: (line["status"], line["message"]) for line in made.noted("failures")}
    assert {number: status for number, (status, _) in failures.items()} == {0: 400, 1: 503, 2: 504, 3: 404}
    assert failures[0][1] == "0 is refused"
    assert '0 requests wait for "full"' in failures[1][1]
    assert "nobody" in failures[2][1]
    assert "names no service" in failures[3][1]


@pytest.mark.timeout(60)
def test_without_a_broker_that_can_be_reached_a_request_fails_with_503(graph: Callable[..., Graph]) -> None:
    made = graph(BrokerProcess(port=free_port()))
    made.sinks()
    made.client(service="orders", timeout_s=0.5)
    made.asker(count=1)
    until(lambda: [line["status"] for line in made.noted("failures")] == [503], "it has failed", 30)
    assert "no broker could be reached" in made.noted("failures")[0]["message"]


@pytest.mark.timeout(60)
def test_a_worker_that_computes_for_several_liveness_periods_is_not_given_up(graph: Callable[..., Graph]) -> None:
    with broker_processes(1, heartbeat_s=0.3, liveness=3) as (broker,):
        made = graph(broker)
        made.sinks()
        # Its own interval is longer than the broker's patience: what it hears from the broker is what counts.
        made.worker("tests.runtime.mdp.actors:Hog", service="orders", capacity=1, hog_s=4 * 0.9)
        made.answerer()
        made.client(service="orders", concurrency=2, timeout_s=30)
        made.asker(count=2)
        until(lambda: made.numbers("sink") == [0, 1], "both are answered", 40)
        assert made.numbers("done") == [0, 1], "neither was given to the worker again"


@pytest.mark.timeout(60)
def test_a_worker_that_is_told_to_end_finishes_what_it_has(graph: Callable[..., Graph]) -> None:
    with broker_processes(1, heartbeat_s=0.5) as (broker,):
        made = graph(broker)
        made.sinks()
        worker = made.worker(service="orders", capacity=4, heartbeat_s=0.5)
        made.answerer(pause_s=0.5)
        made.client(service="orders", concurrency=4)
        made.asker(count=12)
        until(lambda: made.numbers("done"), "the first are being done")
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        finished = len(made.numbers("done"))
        made.fleet.restart(worker)
        until(lambda: len(made.numbers("sink")) == 12, "all are answered", 30)
        assert sorted(made.numbers("done")) == list(range(12)), (
            f"none was done twice; the worker: {worker.log.read_text()}"
        )
        assert finished < 12


@pytest.mark.parametrize("first", ["worker", "broker"])
@pytest.mark.parametrize("told", [False, True], ids=["at work", "told to end"])
def test_nothing_is_done_twice_when_the_machine_stands_still(
    graph: Callable[..., Graph], first: str, told: bool
) -> None:
    """Both ends stand still at once, and wake one after the other; neither holds its own sleep against the other."""
    with broker_processes(1, heartbeat_s=0.45) as (broker,):
        made = graph(broker)
        made.sinks()
        worker = made.worker(service="orders", capacity=4, heartbeat_s=0.45)
        made.answerer(pause_s=0.5)
        made.client(service="orders", concurrency=4)
        made.asker(count=12)
        until(lambda: made.numbers("done"), "the first are being done")
        if told:
            worker.signal(signal.SIGTERM)
        ends = {"broker": broker.send, "worker": worker.signal}
        for send in ends.values():
            send(signal.SIGSTOP)
        # Longer than the 1.35 s after which silence is held against a peer. A client's connection ends after 3 s of
        # it, and a peer that gets no processor for 1.35 s once it is woken is silent: both have much time to spare.
        time.sleep(1.5)
        ends.pop(first)(signal.SIGCONT)
        time.sleep(0.1)
        ends.popitem()[1](signal.SIGCONT)
        if told:
            assert worker.wait(20) == 0
            made.fleet.restart(worker)
        until(lambda: len(made.numbers("sink")) == 12, "all are answered", 30)
        assert sorted(made.numbers("done")) == list(range(12)), f"none was done twice; {worker.log.read_text()}"
