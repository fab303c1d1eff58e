"""Foreign peers for the tests: plain pyzmq sockets that know nothing of actorkit, and a broker as a process."""

from __future__ import annotations

import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import zmq

from tests.fleet import Process
from tests.ports import free_port
from tests.until import until

#: How long a peer waits for a message that must come, in seconds.
PATIENCE_S = 10.0


class Peer:
    """A DEALER that sends and receives whole messages, with a deadline."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, identity: bytes | None = None) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        if identity is not None:
            self.socket.setsockopt(zmq.ROUTING_ID, identity)
        self.socket.connect(endpoint)

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def receive(self, timeout_s: float = PATIENCE_S) -> list[bytes]:
        assert self.socket.poll(int(timeout_s * 1000)), f"nothing came in {timeout_s} s"
        frames: list[bytes] = self.socket.recv_multipart()
        return frames

    def receive_but_heartbeats(self, timeout_s: float = PATIENCE_S) -> list[bytes]:
        while True:
            frames = self.receive(timeout_s)
            if frames[-1] not in (b"\x04", b"\x05") or len(frames) != 3 or frames[-1] == b"\x05":
                return frames

    def hears_nothing(self, for_s: float = 0.2) -> bool:
        return not self.socket.poll(int(for_s * 1000))

    def close(self) -> None:
        self.socket.close(0)


class ServerProcess:
    """What serves on a plain loop, as a process of its own on a fixed port, that can be killed and started again."""

    def __init__(self, cls: str, params: Any, port: int | None = None, host: str = "127.0.0.1") -> None:
        self.port = port or free_port()
        self.endpoint = f"tcp://{host}:{self.port}"
        self._variables = {
            "ACTORKIT_TOPOLOGY": "test",
            "ACTORKIT_ACTOR": "server",
            "ACTORKIT_CLASS": cls,
            "ACTORKIT_INBOX": self.endpoint,
            "ACTORKIT_ADMIN": "127.0.0.1:0",
            "ACTORKIT_PARAMS": msgspec.json.encode(params).decode(),
        }
        self._log = Path(tempfile.mkdtemp(prefix="actorkit-server-")) / "log"
        self._process: Process | None = None

    def start(self) -> None:
        self._process = Process(self._variables, self._log)
        until(self._listens, "the process listens")

    def _listens(self) -> bool:
        if not self.alive:
            raise AssertionError(f"it ended: {self._log.read_text()}")
        with socket.socket() as probe:
            probe.settimeout(1)
            host = self.endpoint.removeprefix("tcp://").rpartition(":")[0]
            return probe.connect_ex((host, self.port)) == 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        assert self._process is not None
        return self._process.metric(name, **labels)

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        assert self._process is not None
        return self._process.wait(timeout_s)

    def kill(self) -> None:
        if self._process is not None:
            self._process.close()


class BrokerProcess(ServerProcess):
    """A broker; `params` are its parameters."""

    def __init__(self, port: int | None = None, host: str = "127.0.0.1", **params: Any) -> None:
        super().__init__("actorkit.mdp.broker:Broker", params, port, host)


class RegistrationProcess(ServerProcess):
    """A registration service."""

    def __init__(self, settle_s: float = 2.0, host: str = "127.0.0.1") -> None:
        params = {"settle_s": settle_s, "clear": True}
        super().__init__("actorkit.mdp.directory:RegistrationService", params, host=host)


@contextmanager
def broker_processes(count: int, heartbeat_s: float = 0.3, **params: Any) -> Iterator[list[BrokerProcess]]:
    brokers = [BrokerProcess(heartbeat_s=heartbeat_s, **params) for _ in range(count)]
    try:
        for broker in brokers:
            broker.start()
        yield brokers
    finally:
        for broker in brokers:
            broker.kill()


def zmtp1_greeting(endpoint: str, payload: bytes) -> None:
    """Send raw bytes to the broker's port, as any port scanner may."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(payload)
        raw.settimeout(0.05)
        try:
            raw.recv(64)
        except TimeoutError:
            return


def join(frames: Sequence[bytes]) -> bytes:
    return b"|".join(frames)
