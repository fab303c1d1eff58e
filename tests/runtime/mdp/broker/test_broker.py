"""The broker on real sockets, with peers that know nothing of actorkit."""

from __future__ import annotations

import random
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest
import zmq
from prometheus_client import CollectorRegistry, generate_latest

from actorkit.errors import SettingsError
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.frames import read_error_header
from tests.runtime.mdp.peers import Peer, broker_processes, zmtp1_greeting
from tests.until import until

MakeBroker = Callable[..., tuple[str, Broker]]
MakePeer = Callable[..., Peer]


def register(make_peer: MakePeer, endpoint: str, service: bytes = b"echo") -> Peer:
    worker = make_peer(endpoint)
    worker.send(b"", b"MDPW01", b"\x01", service)
    return worker


def serve_one(worker: Peer) -> list[bytes]:
    frames = worker.receive_but_heartbeats()
    assert frames[:3] == [b"", b"MDPW01", b"\x02"]
    assert frames[4] == b""
    worker.send(b"", b"MDPW01", b"\x03", *frames[3:])
    return frames[5:]


def works(make_peer: MakePeer, endpoint: str) -> bool:
    """Send a request full circle through new peers."""
    worker = register(make_peer, endpoint, b"probe")
    client = make_peer(endpoint)
    client.send(b"", b"MDPC01", b"probe", b"still", b"there")
    assert serve_one(worker) == [b"still", b"there"]
    worker.send(b"", b"MDPW01", b"\x05")
    return client.receive() == [b"", b"MDPC01", b"probe", b"still", b"there"]


def test_a_req_client_and_a_dealer_worker_are_served(broker: tuple[str, Broker], make_peer: MakePeer) -> None:
    endpoint, _ = broker
    worker = register(make_peer, endpoint)
    context: zmq.Context[Any] = zmq.Context()
    with context, context.socket(zmq.REQ) as client:
        client.linger = 0
        client.rcvtimeo = 5000
        client.connect(endpoint)
        client.send_multipart([b"MDPC01", b"echo", b"one", b"two"])
        assert serve_one(worker) == [b"one", b"two"]
        assert client.recv_multipart() == [b"MDPC01", b"echo", b"one", b"two"]


def test_a_client_that_pipelines_gets_every_answer(broker: tuple[str, Broker], make_peer: MakePeer) -> None:
    endpoint, _ = broker
    worker = register(make_peer, endpoint)
    client = make_peer(endpoint)
    for number in range(50):
        client.send(b"", b"MDPC01", b"echo", b"%d" % number)
    for _ in range(50):
        serve_one(worker)
    assert [client.receive()[3] for _ in range(50)] == [b"%d" % number for number in range(50)]


def test_client_and_worker_of_02_stream_on_the_same_port(broker: tuple[str, Broker], make_peer: MakePeer) -> None:
    endpoint, _ = broker
    worker, client = make_peer(endpoint), make_peer(endpoint)
    worker.send(b"MDPW02", b"\x01", b"stream")
    client.send(b"MDPC02", b"\x01", b"stream", b"go")
    head, command, address, empty, *body = worker.receive()
    assert (head, command, empty, body) == (b"MDPW02", b"\x02", b"", [b"go"])
    for number in range(3):
        worker.send(b"MDPW02", b"\x03", address, b"", b"%d" % number)
    worker.send(b"MDPW02", b"\x04", address, b"", b"end")
    assert [client.receive()[1:] for _ in range(4)] == [
        [b"\x02", b"stream", b"0"],
        [b"\x02", b"stream", b"1"],
        [b"\x02", b"stream", b"2"],
        [b"\x03", b"stream", b"end"],
    ]


def test_large_bodies_pass_unchanged(broker: tuple[str, Broker], make_peer: MakePeer) -> None:
    endpoint, _ = broker
    worker, client = register(make_peer, endpoint), make_peer(endpoint)
    body = [b"x" * size for size in (1, 4096, 4097, 100_000, 3_000_000)]
    client.send(b"", b"MDPC01", b"echo", *body)
    assert serve_one(worker) == body
    assert client.receive()[3:] == body


def test_a_worker_whose_connection_ended_is_found_before_it_expires(
    make_broker: MakeBroker, make_peer: MakePeer
) -> None:
    # If the request leaves just before the end of the connection is known, the next heartbeat finds it.
    endpoint, broker = make_broker(heartbeat_s=3)
    first = register(make_peer, endpoint)
    until(lambda: len(broker.state.workers) == 1, "the first worker is registered")
    first.close()
    second = register(make_peer, endpoint)
    until(lambda: len(broker.state.workers) == 2, "the second worker is registered")
    client = make_peer(endpoint)
    client.send(b"", b"MDPC01", b"echo", b"hi")
    assert serve_one(second) == [b"hi"]
    assert client.receive()[3:] == [b"hi"]
    assert broker.state.counts.errors["worker_expired"] == 0


def test_a_busy_worker_that_falls_silent_loses_its_request_to_another(
    broker: tuple[str, Broker], make_peer: MakePeer
) -> None:
    endpoint, running = broker
    silent = register(make_peer, endpoint)
    client = make_peer(endpoint)
    client.send(b"", b"MDPC01", b"echo", b"hi")
    assert silent.receive()[5:] == [b"hi"]
    until(lambda: running.state.counts.requeued == 1, "the silent worker is given up")
    assert serve_one(register(make_peer, endpoint)) == [b"hi"]
    assert client.receive()[3:] == [b"hi"]
    silent.send(b"", b"MDPW01", b"\x04")
    assert silent.receive_but_heartbeats()[2:] == [b"\x05"]


@pytest.mark.parametrize("busy", [False, True])
def test_broker_outlives_a_disconnect_from_a_worker(
    broker: tuple[str, Broker], make_peer: MakePeer, busy: bool
) -> None:
    endpoint, _ = broker
    worker, client = register(make_peer, endpoint), make_peer(endpoint)
    if busy:
        client.send(b"", b"MDPC01", b"echo", b"hi")
        worker.receive()
    worker.send(b"", b"MDPW01", b"\x05")
    assert works(make_peer, endpoint)
    assert worker.hears_nothing(1.0)


def test_broker_outlives_what_a_port_scanner_sends(broker: tuple[str, Broker], make_peer: MakePeer) -> None:
    endpoint, _ = broker
    for payload in (b"\x01\x00\x01\x00", b"\x01\x00\x01\x00\x01\x01\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64):
        zmtp1_greeting(endpoint, payload)
    assert works(make_peer, endpoint)


def test_broker_outlives_any_frames(broker: tuple[str, Broker], make_peer: MakePeer) -> None:
    endpoint, state = broker[0], broker[1].state
    chance = random.Random(7)
    words = [b"", b"MDPC01", b"MDPC02", b"MDPW01", b"MDPW02", b"echo", b"mmi.service", b"\x00AK1", b"\x00AK1\x81"]
    words += [bytes([number]) for number in range(8)]
    peers = [make_peer(endpoint) for _ in range(8)]
    for _ in range(4000):
        frames = [chance.choice(words) if chance.random() < 0.8 else chance.randbytes(9) for _ in range(6)]
        chance.choice(peers).send(*frames[: chance.randint(1, 6)])
    assert works(make_peer, endpoint)
    assert state.counts.errors["internal"] == 0
    assert state.counts.errors["frames"] > 0


def test_a_frame_of_50_megabytes_ends_its_connection_only(make_broker: MakeBroker, make_peer: MakePeer) -> None:
    endpoint, _ = make_broker(max_body_bytes=1_000_000)
    client = make_peer(endpoint)
    client.send(b"", b"MDPC01", b"echo", b"x" * 50_000_000)
    assert works(make_peer, endpoint)


def test_a_foreign_client_that_asks_for_50_megabytes_is_told_that_they_are_too_many(
    make_broker: MakeBroker, make_peer: MakePeer
) -> None:
    endpoint, broker = make_broker()
    client = make_peer(endpoint)
    client.send(b"", b"MDPC01", b"echo", b"x" * 50_000_000)
    head, body = (frames := client.receive())[:3], frames[3:]
    assert head == [b"", b"MDPC01", b"echo"]
    told = read_error_header(body)
    assert told is not None
    assert (told.status, told.error) == (413, "the request has 50000000 bytes, more than 16777216")
    assert broker.state.counts.errors["too_large"] == 1


def test_a_client_that_does_not_read_costs_only_its_own_answers(make_broker: MakeBroker, make_peer: MakePeer) -> None:
    endpoint, broker = make_broker(peer_backlog=10)
    worker, deaf = register(make_peer, endpoint), make_peer(endpoint)
    deaf.socket.setsockopt(zmq.RCVHWM, 1)
    body = b"x" * 1_000_000
    for _ in range(60):
        deaf.send(b"", b"MDPC01", b"echo", b"hi")
    for _ in range(60):
        frames = worker.receive_but_heartbeats()
        worker.send(b"", b"MDPW01", b"\x03", frames[3], b"", body)
    until(lambda: broker.state.counts.answers == 60, "all answers are through")
    assert works(make_peer, endpoint)


def test_a_stopped_broker_finishes_what_it_has_and_disconnects_workers(
    make_broker: MakeBroker, make_peer: MakePeer
) -> None:
    endpoint, broker = make_broker(drain_timeout_s=10)
    worker, client = register(make_peer, endpoint), make_peer(endpoint)
    client.send(b"", b"MDPC01", b"echo", b"hi")
    frames = worker.receive_but_heartbeats()
    broker.stop()
    until(lambda: broker.state.draining, "the broker drains")
    worker.send(b"", b"MDPW01", b"\x03", *frames[3:])
    assert client.receive()[3:] == [b"hi"]
    assert worker.receive_but_heartbeats()[2:] == [b"\x05"]


def test_a_broker_process_ends_with_status_0_on_sigterm(make_peer: MakePeer) -> None:
    with broker_processes(1) as (process,):
        assert works(make_peer, process.endpoint)
        process.send(signal.SIGTERM)
        assert process.wait() == 0


def test_an_endpoint_that_is_taken_is_named_in_the_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match=f'cannot bind "{endpoint}"'):
            Broker(endpoint).bind()


def test_what_waits_for_a_service_or_is_being_done_is_told_by_its_name_also_without_a_worker(
    broker: tuple[str, Broker], make_peer: MakePeer
) -> None:
    endpoint, running = broker
    client = make_peer(endpoint)
    for _ in range(3):
        client.send(b"", b"MDPC01", b"echo", b"hi")
    until(lambda: running.waiting() == {"echo": 3}, "they wait")
    worker = register(make_peer, endpoint)
    frames = worker.receive_but_heartbeats()
    assert running.waiting() == {"echo": 3}  # one of them is being done
    worker.send(b"", b"MDPW01", b"\x03", *frames[3:])
    until(lambda: running.waiting() == {"echo": 2}, "one is answered")


def test_metrics_tell_what_happened(broker: tuple[str, Broker], make_peer: MakePeer) -> None:
    endpoint, running = broker
    assert works(make_peer, endpoint)
    client = make_peer(endpoint)
    client.send(b"", b"MDPC01", b"made-up", b"hi")
    client.send(b"", b"junk")
    register(make_peer, endpoint, b"echo")
    until(lambda: len(running.state.workers) == 1 and running.state.counts.requests == 2, "the broker has it all")
    registry = CollectorRegistry()
    registry.register(running.collector)
    text = generate_latest(registry).decode()
    for line in (
        "actorkit_broker_requests_total 2.0",
        "actorkit_broker_answers_total 1.0",
        'actorkit_broker_errors_total{reason="frames"} 1.0',
        'actorkit_broker_queue_depth{service="other"} 1.0',
        'actorkit_broker_workers{service="echo"} 1.0',
        'actorkit_broker_busy_workers{service="echo"} 0.0',
        "actorkit_broker_request_seconds_count 1.0",
        "actorkit_broker_expired_total 0.0",
        "actorkit_broker_requeued_total 0.0",
    ):
        assert line in text.splitlines()
    assert "made-up" not in text
    assert repr(running).startswith(f"<Broker at {endpoint}: <BrokerState")
