"""A server under attack: its process, the graph behind it, honest clients, and what it uses meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.process import memory_mb, wanted_s

from tests.fleet import Fleet, Process, fetch
from tests.hostile import report
from tests.until import until

#: What the container of an actor may use, in MB: docs/topology.md.
CONTAINER_MB = 128

#: How many connections a server takes there.
CONTAINER_CONNECTIONS = 1024


class Watch(threading.Thread):
    """Reads how much memory a process uses, every 20 ms."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._end = threading.Event()
        self.most_mb = 0.0

    def run(self) -> None:
        while not self._end.wait(0.02):
            try:
                self.most_mb = max(self.most_mb, memory_mb(self._pid))
            except (OSError, StopIteration):
                return

    def end(self) -> float:
        """The most that it was, in MB."""
        self._end.set()
        self.join()
        return self.most_mb


class Probes(threading.Thread):
    """Asks a process for its metrics and whether it lives, as Prometheus and an orchestrator do."""

    def __init__(self, admin: str) -> None:
        super().__init__(daemon=True)
        self._admin = admin
        self._end = threading.Event()
        self.answers: Counter[int] = Counter()

    def run(self) -> None:
        while not self._end.wait(0.2):
            for page in ("metrics", "healthz"):
                self.answers[fetch(f"{self._admin}/{page}", 20)[0]] += 1

    def end(self) -> Counter[int]:
        """What was answered, by status."""
        self._end.set()
        self.join()
        return self.answers


class Site:
    """`/echo` answers, `/dead` leads to nobody. `budget_mb` is what a container of `CONTAINER_MB` gives."""

    def __init__(self, fleet: Fleet, port: int, budget_mb: int = CONTAINER_MB // 4, **params: Any) -> None:
        self.port = port
        self._folder = fleet.folder
        self.echo = fleet.start("echo", "tests.hostile.echo:Echo", outbox_web="web")
        given: dict[str, Any] = {"host": "127.0.0.1", "port": port, "memory_bytes": budget_mb << 20, "timeout_s": 1.0}
        given |= {"max_connections": CONTAINER_CONNECTIONS, **params}
        self.web: Process = fleet.start(
            "web",
            "actorkit_actors.http.http_server:HTTPServer",
            params=json.dumps(given),
            outbox_echo="echo",
            outbox_dead="dead",
        )
        until(self.answers, "the site answers")

    def client(self, timeout_s: float = 30.0) -> socket.socket:
        """A connection to the server."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)

    def ask(self, data: bytes) -> bytes:
        """All that comes back for some bytes; the server has to close."""
        with self.client() as sock:
            sock.sendall(data)
            found = b""
            try:
                while part := sock.recv(65536):
                    found += part
            except ConnectionError:
                pass
            return found

    def answers(self) -> bool:
        try:
            return b" 204 " in self.ask(b"POST /echo HTTP/1.0\r\n\r\n")
        except OSError:
            return False

    @contextmanager
    def honest(self, clients: int = 8, victim: Process | None = None) -> Iterator[None]:
        """Honest clients ask meanwhile: they get every answer; the victim, which is the server unless another one is
        named, does not die and stays inside its container."""
        with honest(self.port, "/echo", victim or self.web, clients):
            yield
        print(f"refused {self.all_refused()}")

    def all_refused(self) -> list[str]:
        """What /metrics says about clients that were turned away."""
        lines = fetch(f"{self.web.admin}/metrics")[1].splitlines()
        return [line.partition("reason=")[2] for line in lines if line.startswith("actorkit_http_refused_total")]

    def refused(self, reason: str) -> float:
        """How often clients were turned away for that reason, as /metrics says."""
        return self.web.metric("actorkit_http_refused_total", reason=reason)


@contextmanager
def honest(port: int, path: str, victim: Process, clients: int = 8, logins: Iterable[str] = ()) -> Iterator[None]:
    """Honest clients of a server, who log in with these names and passwords, while `victim` is attacked."""
    command = [sys.executable, "-m", "tests.hostile.honest", str(port), str(clients), path, *logins]
    folder = victim.log.parent
    asking = Process({}, folder / "honest.log", command=command, out=folder / "honest.json")
    watch = Watch(victim.pid)
    watch.start()
    probes = Probes(victim.admin)
    probes.start()
    ran, waited = wanted_s(victim.pid)
    try:
        yield
    finally:
        most_mb, probed = watch.end(), probes.end()
        asking.signal(signal.SIGTERM)
        (said,) = asking.lines(1, 60)
        asking.close()
    assert victim.alive, victim.said()
    assert probed.keys() == {200}, probed
    now_ran, now_waited = wanted_s(victim.pid)
    wanted = now_ran - ran + now_waited - waited
    report.judge(json.loads(said), most_mb, CONTAINER_MB, (now_ran - ran) / wanted if wanted else 1.0)
