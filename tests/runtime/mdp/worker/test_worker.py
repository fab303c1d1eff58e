"""Workers and clients of ours against real brokers, as processes where they are killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import zmq

from actorkit.errors import SettingsError
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.errors import ClientClosed, NoAnswer, NoBroker, ServiceFailed, ServiceRefused
from actorkit.mdp.options import ServiceOptions
from actorkit.mdp.thread import BrokerThread
from actorkit.mdp.worker.worker import Worker
from tests.ports import free_port
from tests.runtime.mdp.peers import BrokerProcess
from tests.until import until

MakeBroker = Callable[..., tuple[str, Broker]]
Body = list[bytes]


MakeWorker = Callable[..., Worker]
MakeClient = Callable[..., Client]


def echo(body: Body) -> Body:
    return body


def test_a_call_is_answered(broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient) -> None:
    make_worker([broker[0]], "echo", echo)
    client = make_client(broker[0])
    assert client.call("echo", [b"one", b"", b"three"], timeout_s=5) == [b"one", b"", b"three"]
    assert client.call("echo", [], timeout_s=5) == [b""]


def test_many_calls_at_a_time_each_get_their_own_answer(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    def slow(body: Body) -> Body:
        gevent.sleep(0.01 if int(body[0]) % 2 else 0)
        return body

    worker = make_worker([broker[0]], "echo", slow, capacity=8)
    client = make_client(broker[0])
    calls = [gevent.spawn(client.call, "echo", [b"%d" % number], timeout_s=20) for number in range(300)]
    gevent.joinall(calls, timeout=20)
    assert [call.value for call in calls] == [[b"%d" % number] for number in range(300)]
    assert worker.requests == 300


def test_capacity_bounds_how_many_handlers_run(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    running: list[int] = [0, 0]

    def count(body: Body) -> Body:
        running[0] += 1
        running[1] = max(running)
        gevent.sleep(0.02)
        running[0] -= 1
        return body

    make_worker([broker[0]], "echo", count, capacity=3)
    client = make_client(broker[0])
    gevent.joinall([gevent.spawn(client.call, "echo", [b"x"], timeout_s=10) for _ in range(20)], timeout=10)
    assert running == [0, 3]


def test_a_client_without_notes_works_with_a_broker_that_knows_none(make_client: MakeClient) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        port = router.bind_to_random_port("tcp://127.0.0.1")
        client = make_client(f"tcp://127.0.0.1:{port}", headers=False)
        call = gevent.spawn(client.call, "echo", [b"x"], timeout_s=10)
        until(lambda: router.poll(0), "the request comes")
        identity, *frames = router.recv_multipart()
        assert frames == [b"", b"MDPC01", b"echo", b"x"]
        router.send_multipart([identity, *frames])
        call.join(timeout=10)
        assert call.value == [b"x"]


def test_brokers_are_reached_over_ipv6(make_worker: MakeWorker, make_client: MakeClient) -> None:
    thread = BrokerThread()
    thread.broker.endpoint = "tcp://[::1]:*"
    try:
        endpoint = thread.start()
    except SettingsError as exc:
        pytest.skip(f"no IPv6 here: {exc}")
    try:
        make_worker([endpoint], "echo", echo)
        assert make_client(endpoint).call("echo", [b"x"], timeout_s=5) == [b"x"]
    finally:
        thread.stop()


def test_one_worker_answers_for_several_services(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    make_worker([broker[0]], {"up": lambda body: [body[0].upper()], "down": lambda body: [body[0].lower()]})
    client = make_client(broker[0])
    assert client.call("up", [b"aB"], timeout_s=5) == [b"AB"]
    assert client.call("down", [b"aB"], timeout_s=5) == [b"ab"]


def test_what_a_handler_raises_reaches_the_caller_with_its_status(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    class Bad(Exception):
        status = 422

    def fail(body: Body) -> Body:
        raise Bad("no total")

    worker = make_worker([broker[0]], "echo", fail)
    client = make_client(broker[0])
    with pytest.raises(ServiceFailed, match="Bad: no total") as caught:
        client.call("echo", [b"x"], timeout_s=5)
    assert caught.value.status == 422
    assert worker.failures == 1


class Rude(Exception):
    def __str__(self) -> str:
        raise OSError("no words")


def _raise(error: Exception) -> Callable[[Body], Body]:
    def fail(body: Body) -> Body:
        raise error

    return fail


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (_raise(ValueError("\ud800")), r"ValueError: \\ud800"),
        (_raise(Rude()), "Rude: its message cannot be had: OSError"),
        (lambda _: "text", "TypeError: an answer is a list of bytes, not 'text'"),
        (lambda _: b"bytes", "TypeError: an answer is a list of bytes, not b'bytes'"),
        (lambda _: ["text"], r"TypeError: an answer is a list of bytes, not \['text'\]"),
        (lambda _: [b"1", None], "TypeError: an answer is a list of bytes"),
        (lambda _: None, "TypeError: an answer is a list of bytes, not None"),
    ],
)
def test_whatever_a_handler_does_the_caller_is_told_and_the_worker_goes_on(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient, handler: Any, told: str
) -> None:
    make_worker([broker[0]], {"odd": handler, "echo": echo}, capacity=2)
    client = make_client(broker[0])
    for _ in range(3):
        with pytest.raises(ServiceFailed, match=told):
            client.call("odd", [b"x"], timeout_s=5)
    assert client.call("echo", [b"x"], timeout_s=5) == [b"x"]


def test_a_service_without_a_worker_gives_no_answer(broker: tuple[str, Broker], make_client: MakeClient) -> None:
    client = make_client(broker[0])
    started = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        client.call("nobody", [b"x"], timeout_s=0.3)
    assert 0.2 < time.monotonic() - started < 2
    assert caught.value.status == 504
    until(lambda: broker[1].state.counts.expired == 1, "the request expires at the broker too")


def test_a_full_queue_is_refused(make_broker: MakeBroker, make_client: MakeClient) -> None:
    endpoint, _ = make_broker(services={"echo": ServiceOptions(queue_limit=0)})
    with pytest.raises(ServiceRefused, match='0 requests wait for "echo"') as caught:
        make_client(endpoint).call("echo", [b"x"], timeout_s=5)
    assert caught.value.status == 503


def test_a_request_that_no_broker_takes_is_sent_again_after_a_pause_as_often_as_retries_say(
    make_broker: MakeBroker, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    endpoint, broker = make_broker(services={"echo": ServiceOptions(queue_limit=0)})
    client = make_client(endpoint)
    with pytest.raises(ServiceRefused):
        client.call("echo", [b"x"], timeout_s=5, retries=2, backoff_s=0.01)
    assert broker.state.counts.errors["queue_full"] == 3
    call = gevent.spawn(client.call, "echo", [b"x"], timeout_s=10, retries=50, backoff_s=0.1)
    until(lambda: broker.state.counts.errors["queue_full"] == 4, "it is refused")
    make_worker([endpoint], "echo", echo)
    call.join(timeout=10)
    assert call.value == [b"x"]


def test_a_request_that_is_too_large_is_refused_with_413(make_broker: MakeBroker, make_client: MakeClient) -> None:
    endpoint, broker = make_broker(max_body_bytes=1000)
    with pytest.raises(ServiceRefused) as caught:
        make_client(endpoint).call("echo", [b"x" * 2000], timeout_s=5, retries=3)
    assert caught.value.status == 413
    assert broker.state.counts.errors["too_large"] == 1, "it was not sent again"


def test_a_request_that_is_far_too_large_is_refused_before_it_is_sent(
    make_broker: MakeBroker, make_client: MakeClient, make_worker: MakeWorker
) -> None:
    endpoint, broker = make_broker(max_body_bytes=1_000_000)
    client = make_client(endpoint)
    with pytest.raises(ServiceRefused, match="50000000 bytes, more than the 1000000 that the broker takes") as caught:
        client.call("echo", [b"x" * 50_000_000], timeout_s=10, retries=3)
    assert caught.value.status == 413
    counts = broker.state.counts
    assert counts.requests - counts.mmi == counts.errors["too_large"] == 0
    make_worker([endpoint], "echo", echo)
    assert client.call("echo", [b"x" * 999_000], timeout_s=10) == [b"x" * 999_000]


def test_a_large_request_goes_to_a_broker_that_does_not_say_how_large_one_may_be(make_client: MakeClient) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        client = make_client(f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}")
        call = gevent.spawn(client.call, "echo", [b"x" * 1_000_000], timeout_s=10)
        asked: list[bytes] = []

        def request() -> bool:
            while router.poll(0):
                frames = router.recv_multipart()
                asked.append(frames[3])
                if frames[3] == b"echo":
                    router.send_multipart([*frames[:4], b"done"])
                    return True
            return False

        until(request, "the request comes")
        assert call.get() == [b"done"]
        assert sorted(asked) == [b"echo", b"mmi.draining", b"mmi.max_body"]


def test_without_a_broker_a_call_says_so(make_client: MakeClient) -> None:
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(NoBroker, match=endpoint) as caught:
        make_client(endpoint).call("echo", [b"x"], timeout_s=0.2)
    assert caught.value.status == 503


def test_closing_a_client_ends_its_calls(broker: tuple[str, Broker], make_client: MakeClient) -> None:
    client = make_client(broker[0])
    call = gevent.spawn(client.call, "nobody", [b"x"], timeout_s=30)
    until(lambda: b"nobody" in broker[1].state.services, "the request is at the broker")
    client.close()
    call.join(timeout=5)
    assert isinstance(call.exception, ClientClosed)
    with pytest.raises(ClientClosed):
        client.call("echo", [b"x"], timeout_s=1)


def test_a_busy_handler_does_not_keep_the_worker_from_its_heartbeats(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    def busy(body: Body) -> Body:
        until_s = time.monotonic() + 1.5  # twice the time after which a silent worker is given up
        while time.monotonic() < until_s:
            pass
        return body

    make_worker([broker[0]], "echo", busy)
    assert make_client(broker[0]).call("echo", [b"x"], timeout_s=10) == [b"x"]
    assert broker[1].state.counts.errors["worker_expired"] == 0
    assert broker[1].state.counts.requeued == 0


def test_a_draining_worker_finishes_what_it_has_and_takes_no_more(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    done: list[str] = []

    def slow(name: str) -> Callable[[Body], Body]:
        def handle(body: Body) -> Body:
            gevent.sleep(0.02)
            done.append(name)
            return body

        return handle

    first = make_worker([broker[0]], "echo", slow("first"), capacity=4)
    client = make_client(broker[0])
    calls = [gevent.spawn(client.call, "echo", [b"%d" % number], timeout_s=10) for number in range(100)]
    until(lambda: len(done) > 10, "some are done")
    make_worker([broker[0]], "echo", slow("second"), capacity=4)
    assert first.drain(5)
    before = done.count("first")
    gevent.joinall(calls, timeout=10)
    assert [call.value for call in calls] == [[b"%d" % number] for number in range(100)]
    assert done.count("first") == before
    assert len(done) == 100, "nothing was done twice"


def test_a_drain_that_takes_too_long_says_so(
    broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient
) -> None:
    worker = make_worker([broker[0]], "echo", lambda body: gevent.sleep(30) or body)
    gevent.spawn(make_client(broker[0]).call, "echo", [b"x"], timeout_s=1).rawlink(lambda _: None)
    until(lambda: worker.running == 1, "the handler runs")
    assert not worker.drain(0.2)


def test_reprs_show_the_state(broker: tuple[str, Broker], make_worker: MakeWorker, make_client: MakeClient) -> None:
    worker = make_worker([broker[0]], "echo", echo)
    client = make_client(broker[0])
    assert client.wait(5)
    client.call("echo", [b"x"], timeout_s=5)
    until(lambda: worker.brokers, "the worker hears the broker")
    until(lambda: not worker.running, "the handler is done")
    assert repr(worker) == f"<Worker for echo at {broker[0]}: 0 running>"
    assert repr(client) == f"<Client of {broker[0]}: [<BrokerConnection to {broker[0]}: up, 0 calls, 1 free sockets>]>"
    assert BrokerProcess().alive is False
