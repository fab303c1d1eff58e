"""A graph of actors that hold events stops at once, cleanly, and loses nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.fleet import Fleet, Process
from tests.until import until

HOLDING = "tests.runtime.process.holding"


def numbers(file: Path) -> list[list[int]]:
    """What the sink has, an event a line."""
    return [[int(one) for one in line.split()] for line in file.read_text().splitlines()] if file.exists() else []


def held(process: Process) -> float:
    """How many events came to an actor that holds them."""
    return process.metric("actorkit_events_in_total")


def graph(fleet: Fleet, file: Path, stages: tuple[str, ...], count: int = 1000) -> dict[str, Process]:
    """numbers -> the stages -> sink; the first stage has all of its events and holds them."""
    made = {"sink": fleet.start("sink", f"{HOLDING}:Count", params=json.dumps({"file": str(file)}))}
    for stage, after in reversed(list(zip(stages, (*stages[1:], "sink"), strict=True))):
        made[stage] = fleet.start(stage, f"{HOLDING}:Gather", 1, **{f"outbox_{after}": after})
    params = json.dumps({"count": count})
    made["numbers"] = fleet.start("numbers", f"{HOLDING}:Numbers", outbox_first="first", params=params)
    until(lambda: all(one.ready() for one in made.values()), "all are ready")
    until(lambda: held(made["first"]) == count, "the first stage has all of it")
    return made


def stop(processes: list[Process]) -> tuple[list[int], float]:
    """Tell all of them to end, in that order; their exit statuses, and how long it took."""
    begun = time.monotonic()
    for one in processes:
        one.signal(SIGTERM)
    return [one.wait() for one in processes], time.monotonic() - begun


@pytest.mark.parametrize(
    "order", [("numbers", "first", "second", "sink"), ("sink", "second", "first", "numbers")], ids=["down", "up"]
)
def test_a_graph_with_two_stages_that_hold_stops_within_2_seconds_and_loses_nothing(
    fleet: Fleet, tmp_path: Path, order: tuple[str, ...]
) -> None:
    file = tmp_path / "numbers"
    made = graph(fleet, file, ("first", "second"))
    statuses, took_s = stop([made[name] for name in order])
    assert statuses == [0, 0, 0, 0], made["first"].said() + made["second"].said()
    assert took_s < 2
    assert numbers(file) == [list(range(1000))], "the second stage has let go after the first"


def test_stages_that_are_told_one_after_the_other_let_go_for_the_first(fleet: Fleet, tmp_path: Path) -> None:
    """As with `docker compose stop`, which waits for a sender before it stops its receivers."""
    file = tmp_path / "numbers"
    made = graph(fleet, file, ("first", "second"))
    begun = time.monotonic()
    assert [made[name].stop() for name in ("numbers", "first", "second", "sink")] == [0, 0, 0, 0]
    assert time.monotonic() - begun < 3
    assert numbers(file) == [list(range(1000))]


def test_a_stage_that_is_told_to_end_alone_lets_go_of_what_it_holds(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    made = graph(fleet, file, ("first",))
    begun = time.monotonic()
    assert made["first"].stop() == 0, made["first"].said()
    assert time.monotonic() - begun < 4, "its upstream, which goes on, does not keep it for longer than the quiet time"
    assert numbers(file) == [list(range(1000))]


def test_one_of_two_replicas_that_ends_lets_go_and_is_not_kept(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    made = graph(fleet, file, ("first",), count=1)
    other = fleet.start("first", f"{HOLDING}:Gather", 2, outbox_sink="sink")
    until(other.ready, "the other replica is ready")
    until(lambda: made["numbers"].metric("actorkit_peers") == 2, "the source has met it")
    begun = time.monotonic()
    assert made["first"].stop() == 0, made["first"].said()
    assert time.monotonic() - begun < 2
    assert numbers(file) == [[0]]


def test_in_a_loop_nobody_tells_the_end_and_what_is_held_is_let_go_in_time(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    sink = fleet.start("sink", f"{HOLDING}:Count", params=json.dumps({"file": str(file)}))
    loop = fleet.start(
        "loop", f"{HOLDING}:Around", outbox_sink="sink", outbox_again="loop", drain_timeout_s="6", params="{}"
    )
    source = fleet.start("numbers", f"{HOLDING}:Numbers", outbox_loop="loop", params='{"count": 10}')
    until(lambda: all(one.ready() for one in (sink, loop, source)), "all are ready")
    until(lambda: held(loop) == 20, "each has gone round once, and is held")
    statuses, took_s = stop([source, loop, sink])
    assert statuses == [0, 0, 0], loop.said()
    assert 2.5 < took_s < 6
    assert sorted(number for line in numbers(file) for number in line) == list(range(10))
