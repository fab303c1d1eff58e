"""A broker process receives every frame into the same object: nothing of one frame may be seen in another."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from actorkit.mdp import frames as f
from actorkit.mdp.broker import tuning
from actorkit.mdp.client.client import Client
from actorkit.mdp.worker.worker import Worker
from tests.fleet import PYTHONPATH, Fleet
from tests.ports import free_port
from tests.runtime.mdp.peers import Peer

MakePeer = Callable[..., Peer]

#: Bodies with frames that are empty, that are copied, and that pass through as they are, in different orders.
BODIES = [
    [b"short"],
    [b""],
    [b"y" * 4096],
    [b"z" * 4097],
    [b"", b""],
    [b"a", b"", b"c" * 5000, b"d"],
    [b"e" * 5000, b"f" * 6000, b"g"],
    [b"h" * 100_000, b"", b"i" * 4097],
    [b"last"],
]


def send(peer: Peer, message: list[f.Part]) -> None:
    peer.send(*(part for part in message if isinstance(part, bytes)))


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """A broker as `python -m actorkit` runs it."""
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    fleet = Fleet(tmp_path)
    broker = fleet.start("broker", "actorkit.mdp.broker:Broker", inbox=endpoint)
    try:
        yield endpoint
        assert broker.stop() == 0
    finally:
        fleet.close()


@pytest.mark.parametrize("dialect", [f.V1, f.V2], ids=["0.1", "0.2"])
@pytest.mark.parametrize("first", ["worker", "requests"])
def test_bodies_of_all_sizes_pass_unchanged_and_in_order(
    endpoint: str, make_peer: MakePeer, dialect: f.Dialect, first: str
) -> None:
    worker, client = make_peer(endpoint), make_peer(endpoint)

    def ask() -> None:
        for body in BODIES:
            send(client, f.client_request(b"echo", body, dialect))

    def register() -> None:
        send(worker, f.ready(b"echo", dialect))

    for act in (register, ask) if first == "worker" else (ask, register):
        act()
    for body in BODIES:
        *head, command, address, empty = (frames := worker.receive_but_heartbeats())[: len(dialect.worker_head) + 3]
        assert (*head, command, empty) == (*dialect.worker_head, dialect.request, b"")
        assert frames[len(head) + 3 :] == body
        send(worker, f.worker_reply(address, [*body, b"answer"], dialect))
    for body in BODIES:
        assert client.receive() == f.client_answer(b"echo", [*body, b"answer"], dialect)


def test_our_own_clients_and_workers_are_served(
    endpoint: str, make_worker: Callable[..., Worker], make_client: Callable[..., Client]
) -> None:
    make_worker([endpoint], "echo", lambda body: body, capacity=2)
    client = make_client(endpoint)
    for body in BODIES:
        assert client.call("echo", body, timeout_s=10, retries=2) == body


def test_junk_is_counted_and_what_follows_is_served(endpoint: str, make_peer: MakePeer) -> None:
    worker, client, junk = (make_peer(endpoint) for _ in range(3))
    send(worker, f.ready(b"echo"))
    messages = [
        (b"",),
        (b"", b"MDPC01"),
        (b"", b"MDPW01", b"\x03", b"client", b"not empty", b"body"),
        (b"", b"MDPC01", b"echo", b"x" * 5000, b"MDPC01", b"y" * 5000),
        (b"x" * 5000, b"", b"MDPC01", b"echo", b"body"),
    ]
    for message in messages:
        junk.send(*message)
    send(client, f.client_request(b"echo", [b"after"]))
    bodies = []
    for _ in range(2):
        frames = worker.receive_but_heartbeats()
        bodies.append(frames[5:])
        send(worker, f.worker_reply(frames[3], frames[5:]))
    assert sorted(bodies) == [[b"after"], [b"x" * 5000, b"MDPC01", b"y" * 5000]]
    assert client.receive() == f.client_answer(b"echo", [b"after"])


def test_the_frame_is_used_again_with_the_pyzmq_that_is_installed() -> None:
    code = "from actorkit.mdp.broker.tuning import reuse_receive_frame as reuse; print(reuse())"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": PYTHONPATH}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_pyzmq_that_is_built_otherwise_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert not tuning.reuse_receive_frame("zmq.backend.of_another_kind")
    assert "is built otherwise than expected" in caplog.text


def test_a_pyzmq_that_makes_its_frames_elsewhere_is_put_back_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pyzmq_inside.py").write_text("import zmq\n")  # as the real one has it, but nothing looks here
    monkeypatch.syspath_prepend(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert not tuning.reuse_receive_frame("pyzmq_inside")
    assert importlib.import_module("pyzmq_inside").zmq is zmq
    assert "a frame is another object" in caplog.text
