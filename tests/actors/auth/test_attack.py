"""Many wrong logins at once, against real processes: the right ones are answered, and the memory stays bounded."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from actorkit_actors.auth import hashes
from tests.fleet import Fleet, Process
from tests.hostile.echo import Echo
from tests.ports import free_port
from tests.until import until

#: What a topology gives an actor where it says nothing, in MiB.
DEFAULT_MEMORY_MB = 128

USERS = [f"user{number}" for number in range(6)]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.close()


def started(fleet: Fleet, answer: bool = True, **params: object) -> tuple[int, Process]:
    """http-server -> basic-auth -> data -> http-server, as processes: (port, the login's process). Without an answer of
    its own, what was sent is the answer."""
    port = free_port()
    users = fleet.folder / "users"
    users.write_text("".join(f"{name}:{hashes.make_hash(name.encode())}\n" for name in USERS))
    given = {"users": {"file": str(users)}, **params}
    auth = fleet.start(
        "auth",
        "actorkit_actors.auth.basic_auth:BasicAuth",
        outbox_echo="echo",
        outbox_error="web",
        params=json.dumps(given),
    )
    web = fleet.start(
        "web",
        "actorkit_actors.http.http_server:HTTPServer",
        outbox_auth="auth",
        params=json.dumps({"port": port, "routes": [{"path": "/<queue>", "methods": ["POST"]}], "host": "127.0.0.1"}),
    )
    cls, data = (
        ("actorkit_actors.flow.data:Data", {"data": {"done": True}}) if answer else (f"{Echo.__module__}:Echo", {})
    )
    echo = fleet.start("echo", cls, outbox_web="web", params=json.dumps(data))
    for process in (auth, web, echo):
        until(process.ready, f"{process.log.name} is ready")
    return port, auth


def login(port: int, name: str, password: str) -> tuple[int, float]:
    """One request: (status, seconds)."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        token = base64.b64encode(f"{name}:{password}".encode()).decode()
        connection.request("POST", "/auth", b"{}", {"Authorization": f"Basic {token}"})
        return connection.getresponse().status, time.monotonic() - begun
    finally:
        connection.close()


def most_memory_mb(process: Process) -> float:
    """The most that it has ever had in memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def test_wrong_logins_at_once_do_not_keep_the_right_ones_out(fleet: Fleet) -> None:
    # Behind one address here, all of them, as behind a proxy.
    port, auth = started(fleet, failures_per_address=0, hashes=4)
    with ThreadPoolExecutor(60) as threads:
        wrong = [threads.submit(login, port, f"guess{n % 12}", f"wrong{n}") for n in range(48)]
        right = [threads.submit(login, port, name, name) for name in USERS * 4]
        answers = [one.result() for one in right]
        refused = Counter(one.result()[0] for one in wrong)
    assert Counter(status for status, _ in answers) == {200: len(answers)}
    assert set(refused) <= {401, 429}
    assert most_memory_mb(auth) < DEFAULT_MEMORY_MB
    known = [login(port, name, name) for name in USERS]
    assert {status for status, _ in known} == {200}


def test_known_good_logins_wait_for_no_hash_of_others(fleet: Fleet) -> None:
    port, _ = started(fleet, failures_per_name=0, failures_per_address=0, hashes=1)
    assert [login(port, name, name)[0] for name in USERS] == [200] * len(USERS)
    with ThreadPoolExecutor(120) as threads:
        wrong = [threads.submit(login, port, "eve", f"wrong{n}") for n in range(100)]
        until(lambda: sum(one.done() for one in wrong) > 2, "the first wrong ones are answered")
        times = sorted(login(port, name, name)[1] for name in USERS * 4)
        still_waiting = sum(not one.done() for one in wrong)
        assert {one.result()[0] for one in wrong} == {401}
    assert still_waiting > 0, "there was a queue to pass"
    assert times[-2] < 1.0
