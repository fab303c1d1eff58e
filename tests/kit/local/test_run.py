"""`kit run` as a real process with real actors."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.kit.running import DEADLINE_S, KitRun
from tests.places import ROOT
from tests.ports import free_port
from tests.until import until

STREAM = """\
name: stream
actors:
  gen: {uses: generator, params: {interval_s: 0.01, data: tick}}
  middle: {uses: "shop.actors:Place", build: ./shop, replicas: 2}
  out: {uses: stdout}
connections:
  - gen -> middle -> out
"""

#: Actors that hold events.
HOLDING = ROOT / "tests/runtime/process/holding.py"
HOLDS = """\
name: d-holds
actors:
  numbers: {uses: "shop.holding:Numbers", build: ./shop, params: {count: 100}}
  first: {uses: "shop.holding:Gather", build: ./shop}
  second: {uses: "shop.holding:Gather", build: ./shop}
  out: {uses: "shop.holding:Count", build: ./shop, params: {file: NUMBERS}}
connections:
  - numbers -> first -> second -> out
"""


@pytest.fixture
def start(shop: Path) -> Iterator[Callable[..., KitRun]]:
    """Starts `kit run` on a topology; whatever still runs at the end is killed."""
    running: list[KitRun] = []

    def begin(topology: str, *arguments: str, **variables: str) -> KitRun:
        (shop / "topology.yaml").write_text(topology)
        running.append(KitRun(shop, *arguments, **variables))
        return running[-1]

    yield begin
    for each in running:
        each.close()


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has asked for its status (a zombie) has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def pids(table: dict[str, Any]) -> list[int]:
    return [pid for row in table.values() for pid in row["pids"]]


def test_an_authors_module_never_takes_the_place_of_the_standard_library(
    start: Callable[..., KitRun], shop: Path
) -> None:
    (shop / "shop" / "queue.py").write_text("raise ImportError('this is not the standard library')\n")
    assert set(start(STREAM).table()) == {"gen", "middle", "out"}


def test_every_replica_is_ready_when_the_table_is_written(start: Callable[..., KitRun]) -> None:
    table = start(STREAM).table()
    assert {name: row["replicas"] for name, row in table.items()} == {"gen": 1, "middle": 2, "out": 1}
    for row in table.values():
        for admin in row["admin"]:
            assert fetch(f"{admin}/readyz") == "ready\n"


def test_what_processes_write_goes_to_stderr_with_the_name_of_the_process(start: Callable[..., KitRun]) -> None:
    running = start(STREAM)
    running.table()
    until(lambda: re.search(r"^out-1 +\| tick$", running.said(), re.MULTILINE) is not None, "no event came out")


def test_the_log_level_of_the_environment_holds_for_every_process(start: Callable[..., KitRun]) -> None:
    running = start(STREAM, ACTORKIT_LOG_LEVEL="error", ACTORKIT_LOG_FORMAT="json")
    running.table()
    assert " info " not in running.said()
    assert '"level"' not in running.said()


def test_a_graph_that_holds_events_stops_at_once_and_loses_nothing(start: Callable[..., KitRun], shop: Path) -> None:
    (shop / "shop" / "shop" / "holding.py").write_text(HOLDING.read_text())
    running = start(HOLDS.replace("NUMBERS", str(shop / "numbers")))
    (admin,) = running.table()["first"]["admin"]
    until(
        lambda: "actorkit_events_in_total{" in (told := fetch(f"{admin}/metrics")) and "} 100.0" in told, "all are held"
    )
    begun = time.monotonic()
    assert running.stop() == 0, running.said()
    assert time.monotonic() - begun < 4
    assert "nothing was left unfinished" in running.said()
    assert (shop / "numbers").read_text().split() == [str(number) for number in range(100)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_sources_first_and_nothing_is_left(
    start: Callable[..., KitRun], number: signal.Signals
) -> None:
    running = start(STREAM)
    table = running.table()
    until(lambda: "| tick" in running.said(), "no event came out")
    assert running.stop(number) == 0
    assert "nothing was left unfinished" in running.said()
    assert all(is_gone(pid) for pid in pids(table))
    drains = re.findall(r"^(\w+)-\d+ .*draining", running.said(), re.MULTILINE)
    assert drains == ["gen", "middle", "middle", "out"]


def test_a_process_that_dies_is_started_again_and_counted(start: Callable[..., KitRun]) -> None:
    running = start(STREAM)
    row = running.table()["middle"]
    os.kill(row["pids"][0], signal.SIGKILL)
    until(lambda: "middle-1" in running.said() and "ended by SIGKILL" in running.said(), "its end was not told")

    def ready() -> bool:
        try:
            return fetch(f"{row['admin'][0]}/readyz") == "ready\n"
        except OSError:
            return False

    until(ready, "it did not come back")
    assert running.stop() == 0
    assert "middle-1 was started again 1 times" in running.said()


POISONED = """\
import sys

import gevent

from actorkit import Actor, Event


class Place(Actor):
    def consume(self, event: Event) -> Event:
        if event.data == "exit":
            sys.exit(3)
        if event.data == "kill":
            gevent.getcurrent().kill()
        return event.replace("fine")
"""


@pytest.mark.parametrize("poison", ["exit", "kill"])
def test_one_poison_request_is_answered_and_so_are_all_after_it(
    start: Callable[..., KitRun], shop: Path, poison: str
) -> None:
    (shop / "shop" / "shop" / "actors.py").write_text(POISONED)
    running = start(
        f"name: t\nactors:\n  web: {{uses: http-server, params: {{routes: [{{path: /<queue>}}], timeout_s: 20}}, "
        f"expose: {{http: {free_port()}}}}}\n  a: {{uses: 'shop.actors:Place', build: ./shop}}\n"
        "connections: [web -> a -> web, a.error -> web]\n"
    )
    url = f"{running.table()['web']['urls'][0]}/a"

    def post(word: str) -> tuple[int, str]:
        request = urllib.request.Request(url, data=word.encode(), headers={"Content-Type": "text/plain"}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read().decode()

    answers = [post(word) for word in ("fine", poison, "fine", "fine")]
    assert [status for status, _ in answers] == [200, 500, 200, 200]
    assert "the request could not be answered" in answers[1][1]
    assert running.stop() == 0
    assert "3 instances were lost over the event" in running.said()
    assert "a-1 was started again 3 times" in running.said()


def test_a_process_that_ends_before_it_is_ready_is_told_in_one_line_and_nothing_stays(
    start: Callable[..., KitRun], shop: Path
) -> None:
    code = shop / "shop" / "shop" / "actors.py"
    code.write_text(code.read_text() + "\n    def setup(self):\n        raise RuntimeError('no database')\n")
    running = start(STREAM, "--quiet")
    assert running.process.wait(DEADLINE_S) == 1
    (line,) = running.said().splitlines()
    assert re.fullmatch(r'kit: "middle-[12]" ended with status 1 before it was ready: .*no database.*', line)


def test_a_port_in_use_is_told_in_one_line_before_anything_starts(start: Callable[..., KitRun]) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = start(
            f"name: t\nactors:\n  web: {{uses: http-server, params: {{routes: [{{path: /<queue>}}]}}, "
            f"expose: {{http: {port}}}}}\n  echo: {{uses: stdout}}\nconnections: [web -> echo -> web]\n"
        )
        assert running.process.wait(DEADLINE_S) == 1
    assert running.said() == (
        f'kit: port {port} of "web": Address already in use. End what uses it, or change actors.web.expose.http.\n'
    )


def test_a_published_port_answers_on_loopback_and_has_one_process(start: Callable[..., KitRun]) -> None:
    port = free_port()
    running = start(
        f"name: t\nactors:\n  web: {{uses: http-server, params: {{routes: [{{path: /<queue>}}]}}, replicas: 2, "
        f"expose: {{http: {port}}}}}\n  echo: {{uses: stdout}}\nconnections: [web -> echo -> web]\n"
    )
    web = running.table()["web"]
    assert (web["replicas"], web["urls"]) == (1, [f"http://127.0.0.1:{port}"])
    assert 'kit: "web" has a published port: 1 process instead of 2 on this machine' in running.said()
    request = urllib.request.Request(
        f"{web['urls'][0]}/echo", data=b"<a/>", headers={"Content-Type": "application/xml"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        assert (answer.status, answer.read()) == (200, b"<a/>")


def test_a_topology_that_never_gets_ready_is_told_and_stopped(start: Callable[..., KitRun], shop: Path) -> None:
    code = shop / "shop" / "shop" / "actors.py"
    code.write_text(code.read_text() + "\n    def setup(self):\n        import time\n        time.sleep(600)\n")
    running = start(STREAM, "--quiet", "--timeout", "1.5")
    assert running.process.wait(DEADLINE_S) == 1
    (line,) = running.said().splitlines()
    assert line.startswith("kit: not ready after 1.5 s: ")
    assert "middle-1: " in line


def test_a_second_interrupt_does_not_wait_for_what_is_under_way(start: Callable[..., KitRun], shop: Path) -> None:
    code = shop / "shop" / "shop" / "actors.py"
    text = code.read_text().replace("        return event", "        import time\n        time.sleep(600)")
    code.write_text(text)
    running = start(STREAM)
    table = running.table()
    running.process.signal(signal.SIGINT)
    until(lambda: "^C again does not wait" in running.said(), "the first ^C was not noticed")
    assert running.stop(signal.SIGINT) == 130
    assert all(is_gone(pid) for pid in pids(table))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_no_process_outlives_a_kit_that_is_killed(start: Callable[..., KitRun]) -> None:
    with tempfile.TemporaryDirectory(prefix="ak-") as short:  # what a killed kit leaves behind
        running = start(STREAM, TMPDIR=short)
        table = running.table()
        running.process.kill()
        until(lambda: all(is_gone(pid) for pid in pids(table)), "a process stays behind")


def test_a_secret_whose_variable_is_not_set_is_told_before_anything_starts(start: Callable[..., KitRun]) -> None:
    topology = (
        "name: t\nactors:\n  gen: {uses: generator}\n"
        "  auth: {uses: basic-auth, params: {users: {secret: users}}}\n"
        "connections: [gen -> auth]\nsecrets: {users: {env: NO_SUCH_USERS}}\n"
    )
    running = start(topology)
    assert running.process.wait(DEADLINE_S) == 1
    assert running.said() == ('kit: the secret "users" is in the variable NO_SUCH_USERS, which is not set. Set it.\n')
    assert set(start(topology, NO_SUCH_USERS="alice:x\n").table()) == {"gen", "auth"}
