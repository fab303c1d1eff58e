"""Actors with coroutines as processes: against a real asyncio server, killed, stuck, and left to finish."""

from __future__ import annotations

import json
import time
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.fleet import Fleet, Process
from tests.until import until

ASYNCS = "tests.runtime.host.asyncs"


def ready(*processes: Process) -> None:
    until(lambda: all(one.ready() for one in processes), "all are ready")


def serve(fleet: Fleet, tmp_path: Path, refuse: int = -1) -> tuple[Process, Path, int]:
    """A server of lines, the file where it tells what it saw, and its port."""
    file = tmp_path / "server"
    server = fleet.start("server", f"{ASYNCS}:Server", params=json.dumps({"file": str(file), "refuse": refuse}))
    ready(server)
    return server, file, int(file.read_text())


def start(
    fleet: Fleet, tmp_path: Path, port: int, count: int, concurrency: int
) -> tuple[Process, Process, Process, Path]:
    """count -> ask -> down."""
    seen = tmp_path / "seen"
    down = fleet.start("down", "tests.probes:Sink", params=json.dumps({"file": str(seen)}))
    params = json.dumps({"port": port, "concurrency": concurrency})
    ask = fleet.start("ask", f"{ASYNCS}:Ask", outbox_down="down", params=params, dead_letters=str(tmp_path / "dead"))
    source = fleet.start("count", f"{ASYNCS}:Count", outbox_ask="ask", params=json.dumps({"count": count}))
    return source, ask, down, seen


def test_an_asyncio_client_asks_an_asyncio_server_many_things_at_once(fleet: Fleet, tmp_path: Path) -> None:
    server, told, port = serve(fleet, tmp_path, refuse=7)
    source, ask, down, seen = start(fleet, tmp_path, port, 400, 16)
    until(lambda: down.metric("actorkit_events_in_total") == 399, "all but one have come through")
    for one in (source, ask, down, server):
        assert one.stop() == 0, one.said()
    assert json.loads(seen.read_text())["seen"] == {str(number): 1 for number in range(400) if number != 7}
    assert json.loads(told.read_text()) == {"most": 16}
    assert len(list((tmp_path / "dead").rglob("*.*"))) == 1, "what the server did not want"


def test_an_asyncio_client_that_is_killed_again_and_again_loses_nothing(fleet: Fleet, tmp_path: Path) -> None:
    _, _, port = serve(fleet, tmp_path)
    source, ask, down, seen = start(fleet, tmp_path, port, 600, 8)
    for part in (50, 200, 350):
        until(lambda: down.metric("actorkit_events_in_total") >= part, f"{part} have come")  # noqa: B023
        ask.kill()
        ask = fleet.restart(ask)
    # What was under way in one that was killed is consumed one by one: it may have done it (docs/protocol.md).
    until(
        lambda: source.metric("actorkit_unfinished") == 0 and down.metric("actorkit_events_in_total") >= 600,
        "all have come",
        60,
        0.1,
    )
    ready(ask)
    for one in (source, ask, down):
        assert one.stop() == 0, one.said()
    assert set(json.loads(seen.read_text())["seen"]) == {str(number) for number in range(600)}


def test_a_drain_waits_for_coroutines(fleet: Fleet, tmp_path: Path) -> None:
    _, _, port = serve(fleet, tmp_path)
    source, ask, down, seen = start(fleet, tmp_path, port, 200, 4)
    until(lambda: down.metric("actorkit_events_in_total") > 20, "some have come")
    for one in (source, ask, down):
        one.signal(SIGTERM)
    assert [one.wait() for one in (source, ask, down)] == [0, 0, 0]
    numbers = sorted(int(number) for number in json.loads(seen.read_text())["seen"])
    assert numbers == list(range(len(numbers))), "each that was made has come"


def works(fleet: Fleet, what: str, **params: object) -> Process:
    """An actor that is given one event that says what to do."""
    down = fleet.start("works", f"{ASYNCS}:Works", params=json.dumps(params), drain_timeout_s="1")
    ready(down)
    fleet.start("up", "tests.runtime.host.asyncs:Say", outbox_works="works", params=json.dumps({"do": what}))
    return down


def test_an_asyncio_loop_that_stands_still_ends_the_process(fleet: Fleet) -> None:
    down = works(fleet, "stand_still", stuck_after_s=0.5)
    assert down.wait(20) == 86
    assert "the asyncio loop has not turned for 0.5 s (stuck_after_s): consuming event " in down.said()
    assert "in stand_still" in down.said()


def test_a_coroutine_that_exits_ends_the_process_as_its_event_s_doing(fleet: Fleet) -> None:
    down = works(fleet, "leave")
    assert down.wait(20) == 1
    assert "consume has ended its worker; the instance ends" in down.said()


def test_what_is_left_is_cancelled_when_the_time_to_drain_is_over(fleet: Fleet) -> None:
    down = works(fleet, "wait")
    until(lambda: down.metric("actorkit_events_in_total") == 1, "it is there")
    begun = time.monotonic()
    assert down.stop() == 75
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize("cls", ["tests.probes:Pass", f"{ASYNCS}:Yields"])
def test_only_an_actor_with_coroutines_has_a_thread_more(fleet: Fleet, cls: str) -> None:
    process = fleet.start("one", cls, params='{"stuck_after_s": 0}')
    ready(process)
    names = [path.name for path in Path(f"/proc/{process.pid}/task").iterdir()]
    other = fleet.start("other", "tests.probes:Pass", params='{"stuck_after_s": 0}')
    ready(other)
    plain = [path.name for path in Path(f"/proc/{other.pid}/task").iterdir()]
    assert len(names) - len(plain) == (cls != "tests.probes:Pass")
