"""Brokers and workers that are killed, stopped, drained and started again, under load."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gevent
import pytest
import zmq

from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.errors import NoAnswer
from actorkit.mdp.frames import DRAINING, MAX_BODY
from actorkit.mdp.worker.worker import Worker
from tests.runtime.mdp.peers import Peer, broker_processes
from tests.until import until

MakeBroker = Callable[..., tuple[str, Broker]]
Body = list[bytes]


MakeWorker = Callable[..., Worker]
MakeClient = Callable[..., Client]


def echo(body: Body) -> Body:
    return body


@pytest.mark.parametrize("given_up", [False, True])
def test_a_worker_is_back_within_a_heartbeat_after_its_broker_was_killed_and_started(
    given_up: bool, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    heartbeat_s = 1.0
    with broker_processes(1, heartbeat_s=heartbeat_s) as (process,):
        worker = make_worker([process.endpoint], "echo", echo, capacity=3, heartbeat_s=heartbeat_s)
        client = make_client(process.endpoint)
        assert client.call("echo", [b"1"], timeout_s=5) == [b"1"]
        process.kill()
        if given_up:
            until(lambda: not worker.brokers, "the worker has given the broker up")
        process.start()
        started = time.monotonic()

        def registered() -> bool:
            return client.call("mmi.workers", [b"echo"], timeout_s=5, retries=1) == [b"3"]

        until(registered, "every slot is registered again")
        assert time.monotonic() - started < heartbeat_s + 0.3
        assert client.call("echo", [b"2"], timeout_s=5) == [b"2"]


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


def connections_to(port: int) -> list[str]:
    """The connections to a port that this machine has open: tcp(7) states ESTABLISHED and CLOSE_WAIT."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[2].endswith(f":{port:04X}") and line.split()[3] in ("01", "08")]


@pytest.mark.parametrize("used", [False, True])
def test_no_call_goes_to_a_broker_whose_end_has_been_noticed(
    used: bool, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    with broker_processes(2) as brokers:
        endpoints = [broker.endpoint for broker in brokers]
        make_worker(endpoints, "echo", echo)
        client = make_client(*endpoints)
        assert client.wait(5, brokers=2)
        for _ in range(2 if used else 0):
            client.call("echo", [b"x"], timeout_s=5)
        assert connections_to(brokers[0].port)
        brokers[0].kill()  # without a turn of gevent's loop: the client does not know yet, only ZeroMQ's thread does
        with ThreadPoolExecutor(1) as thread:
            thread.submit(until, lambda: not connections_to(brokers[0].port), "they are closed").result()
        assert len(client.brokers) == 2
        for body in ([b"1"], [b"2"]):
            assert client.call("echo", body, timeout_s=10, retries=0) == body


def test_a_client_that_asks_seldom_hears_at_once_that_a_broker_drains(
    make_worker: MakeWorker, make_client: MakeClient
) -> None:
    with broker_processes(2, heartbeat_s=0.3, drain_timeout_s=30) as brokers:
        held: list[Body] = []
        go = gevent.event.Event()

        def hold(body: Body) -> Body:
            held.append(body)
            go.wait()
            return body

        make_worker([brokers[0].endpoint], "held", hold)
        call = gevent.spawn(make_client(brokers[0].endpoint).call, "held", [b"x"], timeout_s=20)
        until(lambda: held, "a request keeps the first broker from its end")
        client = make_client(*(broker.endpoint for broker in brokers))
        assert client.wait(5, brokers=2)
        brokers[0].send(signal.SIGTERM)
        until(
            lambda: f"<BrokerConnection to {brokers[0].endpoint}: draining" in repr(client), "the client has heard", 3
        )
        make_worker([brokers[1].endpoint], "echo", echo)
        for _ in range(3):
            assert client.call("echo", [b"x"], timeout_s=5) == [b"x"]
        go.set()
        call.join(timeout=10)
        assert call.value == [b"x"]
        assert brokers[0].wait() == 0


def test_a_broker_that_does_not_know_what_draining_is_is_used_as_ever(make_client: MakeClient) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        client = make_client(f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}")
        for question in (MAX_BODY, DRAINING):
            until(lambda: router.poll(0), "the client asks")
            probe, *asked = router.recv_multipart()
            assert asked == [b"", b"MDPC01", question, b""]
        for answer in (
            [b"", b"MDPC01", MAX_BODY, b"501"],
            [b"", b"MDPC01", DRAINING, b"501"],
            [b"junk"],
            [b"", b"MDPC01", b"other", b"200"],
        ):
            router.send_multipart([probe, *answer])
        call = gevent.spawn(client.call, "echo", [b"x"], timeout_s=5)
        until(lambda: router.poll(0), "the client calls")
        caller, *frames = router.recv_multipart()
        router.send_multipart([caller, *frames[:3], b"y"])
        call.join(timeout=5)
        assert call.value == [b"y"]
        assert "draining" not in repr(client)


def test_a_request_that_a_worker_still_has_when_its_broker_ends_is_not_sent_again_unasked(
    make_worker: MakeWorker, make_client: MakeClient
) -> None:
    with broker_processes(2, heartbeat_s=0.3, drain_timeout_s=0.3) as brokers:
        done: list[Body] = []

        def slow(body: Body) -> Body:
            done.append(body)
            gevent.sleep(2 if len(done) == 1 else 0)
            return body

        endpoints = [broker.endpoint for broker in brokers]
        make_worker(endpoints, "echo", slow, capacity=4)
        client = make_client(*endpoints)
        assert client.wait(5, brokers=2)
        call = gevent.spawn(client.call, "echo", [b"x"], timeout_s=10)
        call.rawlink(lambda _: None)
        until(lambda: done, "a worker has it")
        for broker in brokers:
            if broker.endpoint in repr(client).split(" 1 calls")[0].split("BrokerConnection to")[-1]:
                broker.send(signal.SIGTERM)
        call.join(timeout=10)
        assert isinstance(call.exception, NoAnswer)
        assert "the broker stopped before the answer" in str(call.exception), "its last word is heard"
        assert len(done) == 1


def test_an_answer_that_came_before_its_broker_ended_is_not_lost(make_client: MakeClient) -> None:
    for _ in range(10):
        context: zmq.Context[Any] = zmq.Context()
        router = context.socket(zmq.ROUTER)
        client = make_client(f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}", headers=False)
        call = gevent.spawn(client.call, "echo", [b"x"], timeout_s=5)
        until(lambda router=router: router.poll(0), "the client calls")  # type: ignore[misc]
        caller, *frames = router.recv_multipart()
        router.send_multipart([caller, *frames[:3], b"y"])
        # Without a turn of gevent's loop: the client finds the answer and the broker's end at the same time.
        router.close(1000)
        context.term()
        call.join(timeout=5)
        assert call.value == [b"y"]


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
