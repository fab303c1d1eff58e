"""Brokers and workers that are killed, stopped, drained and started again, under load."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import gevent
import zmq

from actorkit.mdp.broker import Broker
from actorkit.mdp.client import Client
from actorkit.mdp.worker import Worker
from tests.runtime.mdp.peers import Peer, broker_processes, until

MakeBroker = Callable[..., tuple[str, Broker]]
Body = list[bytes]


MakeWorker = Callable[..., Worker]
MakeClient = Callable[..., Client]


def echo(body: Body) -> Body:
    return body


def test_a_worker_is_back_within_a_heartbeat_after_its_broker_was_killed(
    make_worker: MakeWorker, make_client: MakeClient
) -> None:
    with broker_processes(1, "heartbeat_s=0.5") as (process,):
        make_worker([process.endpoint], "echo", echo, heartbeat_s=0.5)
        client = make_client(process.endpoint)
        assert client.call("echo", [b"1"], timeout_s=5) == [b"1"]
        process.kill()
        process.start()
        started = time.monotonic()
        assert client.call("echo", [b"2"], timeout_s=5, retries=1) == [b"2"]
        assert time.monotonic() - started < 1.5


def test_a_worker_comes_back_on_a_new_socket_when_it_is_disconnected(
    make_peer: Callable[..., Peer], make_worker: MakeWorker
) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.rcvtimeo = 5000
        port = router.bind_to_random_port("tcp://127.0.0.1")
        make_worker([f"tcp://127.0.0.1:{port}"], "echo", echo)
        until(lambda: router.poll(0), "the worker says READY")
        first, *frames = router.recv_multipart()
        assert frames == [b"", b"MDPW01", b"\x01", b"echo"]
        router.send_multipart([first, b"", b"MDPW01", b"\x05"])
        while True:
            until(lambda: router.poll(0), "the worker is back")
            second, *frames = router.recv_multipart()
            if second != first:
                break
        assert frames == [b"", b"MDPW01", b"\x01", b"echo"]


def test_killing_a_broker_under_load_costs_callers_a_retry_at_most(
    make_worker: MakeWorker, make_client: MakeClient
) -> None:
    with broker_processes(2) as brokers:
        endpoints = [broker.endpoint for broker in brokers]
        make_worker(endpoints, "echo", echo, capacity=4)
        client = make_client(*endpoints)
        assert client.wait(5, brokers=2)
        results: list[Body] = []

        def caller(number: int) -> None:
            for turn in range(60):
                body = [b"%d.%d" % (number, turn)]
                assert client.call("echo", body, timeout_s=10, retries=1) == body
                results.append(body)

        callers = [gevent.spawn(caller, number) for number in range(20)]
        until(lambda: len(results) > 200, "the load runs")
        brokers[0].kill()
        gevent.joinall(callers, timeout=30)
        assert [call.exception for call in callers] == [None] * 20
        assert len(results) == 1200


def test_a_broker_that_drains_costs_callers_nothing(make_worker: MakeWorker, make_client: MakeClient) -> None:
    with broker_processes(2) as brokers:
        endpoints = [broker.endpoint for broker in brokers]
        make_worker(endpoints, "echo", echo, capacity=4)
        client = make_client(*endpoints)
        assert client.wait(5, brokers=2)
        done: list[int] = []

        def caller() -> None:
            for turn in range(60):
                client.call("echo", [b"x"], timeout_s=10)
                done.append(turn)

        callers = [gevent.spawn(caller) for _ in range(20)]
        until(lambda: len(done) > 200, "the load runs")
        brokers[0].send(signal.SIGTERM)
        gevent.joinall(callers, timeout=30)
        assert [call.exception for call in callers] == [None] * 20
        assert brokers[0].wait() == 0


def test_a_stopped_broker_is_given_up_and_its_calls_fail_over(make_worker: MakeWorker, make_client: MakeClient) -> None:
    with broker_processes(2) as brokers:
        endpoints = [broker.endpoint for broker in brokers]
        make_worker(endpoints, "echo", echo)
        client = make_client(*endpoints)
        assert client.wait(5, brokers=2)
        brokers[0].send(signal.SIGSTOP)
        try:
            for number in range(4):
                body = [b"%d" % number]
                assert client.call("echo", body, timeout_s=20, retries=1) == body
            until(lambda: client.brokers == [endpoints[1]], "the stopped broker is found out")
        finally:
            brokers[0].send(signal.SIGCONT)
        until(lambda: len(client.brokers) == 2, "it is back")


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


def test_a_killed_worker_costs_the_caller_nothing(make_client: MakeClient, make_worker: MakeWorker) -> None:
    with broker_processes(1) as (process,):
        held: list[Body] = []

        def hold(body: Body) -> Body:
            held.append(body)
            gevent.sleep(60)
            return body

        first = make_worker([process.endpoint], "echo", hold)
        client = make_client(process.endpoint)
        call = gevent.spawn(client.call, "echo", [b"x"], timeout_s=10)
        until(lambda: held, "the first worker has it")
        first.close()
        make_worker([process.endpoint], "echo", echo)
        call.join(timeout=10)
        assert call.value == [b"x"]
