"""deduplicate: who is let by, what is remembered, and that a kill loses neither an event nor a key."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actorkit import Event, JSONEvent
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.deduplicate import Deduplicate
from actorkit_actors.flow.seen_keys import FILE, SeenKeys, SeenKeysError
from tests.fleet import Fleet
from tests.until import until


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def named(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(key.encode(), event.encode()) for key, event in pairs]


def once(folder: Path, **params: Any) -> Harness[Deduplicate]:
    return Harness(Deduplicate, outboxes=("out", "duplicate"), folder=str(folder), **params)


def test_the_first_event_with_a_key_is_let_by_and_the_others_go_elsewhere(tmp_path: Path) -> None:
    with once(tmp_path, key="data/n") as harness:
        harness.put(JSONEvent({"n": 1, "x": "a"}), JSONEvent({"n": 2}), JSONEvent({"n": 1, "x": "b"}))
        harness.put(JSONEvent({"n": 2}), JSONEvent({"n": "1"}))
        assert [event.data for event in harness.taken()] == [{"n": 1, "x": "a"}, {"n": 2}]
        assert [event.data for event in harness.taken("duplicate")] == [{"n": 1, "x": "b"}, {"n": 2}, {"n": "1"}]
        figures = {figure.name: figure.value for figure in harness.actor.figures()}
        assert figures == {"actorkit_deduplicate_keys": 2, "actorkit_deduplicate_dropped_total": 3}


def test_a_key_outlives_its_instance_and_its_own_event_comes_again_all_the_same(tmp_path: Path) -> None:
    first, other = Event("a"), Event("a")
    harness = once(tmp_path)
    harness.put(first)  # It is killed: nothing is closed.
    with once(tmp_path) as again:
        again.put(first, other)
        assert [event.id for event in again.taken()] == [first.id]
        assert [event.id for event in again.taken("duplicate")] == [other.id]
    harness.close()


def test_without_the_outbox_a_duplicate_ends_and_only_an_event_without_a_key_fails(tmp_path: Path) -> None:
    with Harness(Deduplicate, folder=str(tmp_path), key={"jsonpath": "$.id"}) as harness:
        harness.put(JSONEvent({"id": 1}), JSONEvent({"no": 1}), JSONEvent({"id": 1}), JSONEvent({"id": 2}))
        assert [event.data for event in harness.taken()] == [{"id": 1}, {"id": 2}]
        [failed] = harness.errors
        assert failed.failure is not None
        assert (failed.failure.status, failed.data) == (400, {"no": 1})


def test_a_key_is_forgotten_after_its_window_and_not_before(tmp_path: Path) -> None:
    clock = Clock()
    seen = SeenKeys(tmp_path, 60, 100, clock)
    assert seen.admit(named(("a", "1"), ("a", "2"), ("a", "1"))) == [True, False, True]
    clock.now += 59
    assert seen.admit(named(("a", "3"))) == [False]
    clock.now += 2
    assert seen.admit(named(("a", "3"), ("b", "4"))) == [True, True]
    assert seen.count == 2
    seen.close()
    with closing(SeenKeys(tmp_path, 60, 100, clock)) as again:
        assert again.admit(named(("b", "5"))) == [False]


def test_more_keys_than_may_be_have_the_oldest_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    with closing(SeenKeys(tmp_path, 60, 3, clock)) as seen:
        for key in "abcd":
            assert seen.admit(named((key, key))) == [True]
            clock.now += 1
        assert (seen.count, seen.crowded_out) == (3, 1)
        assert seen.admit(named(("d", "x"), ("b", "x"), ("a", "x"))) == [False, False, True]


def test_a_file_that_cannot_be_used_fails_events_and_is_used_again_later(tmp_path: Path) -> None:
    with once(tmp_path) as harness:
        with sqlite3.connect(tmp_path / FILE) as other:
            other.execute("ALTER TABLE seen RENAME TO away")
        other.close()
        harness.put(Event("a"))
        [failed] = harness.errors
        assert failed.failure is not None
        assert failed.failure.status == 503
        harness.put(Event("a"))
        assert len(harness.taken()) == 1


def test_a_folder_and_a_key_that_cannot_be_used_are_found_before_the_first_event(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(SettingsError, match="folder"):
        once(tmp_path)
    with pytest.raises(SettingsError, match="key"):
        once(tmp_path / "new", key={"jsonpath": "$["})
    with pytest.raises(SeenKeysError):
        SeenKeys(tmp_path / FILE / "x", 1, 1, Clock()).open()


def test_kills_lose_no_event_and_let_no_second_one_by(fleet: Fleet, tmp_path: Path) -> None:
    count, file = 1500, tmp_path / "sink.json"
    sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(file)}))
    params = json.dumps({"folder": str(tmp_path / "keys"), "key": "data/number"})
    actor = fleet.start("once", "actorkit_actors.flow.deduplicate:Deduplicate", params=params, outbox_sink="sink")
    made = json.dumps({"count": count, "pause_s": 0.001})
    sources = [fleet.start("up", "tests.probes:Source", n, params=made, outbox_once="once") for n in (1, 2)]
    for _ in range(4):
        before = sources[0].metric("actorkit_events_out_total")
        until(lambda: sources[0].metric("actorkit_events_out_total") > before, "events come", timeout_s=30)  # noqa: B023
        actor.kill()
        actor = fleet.restart(actor)
    for source in sources:
        until(lambda: source.metric("actorkit_events_out_total") == count, "all is sent", timeout_s=60)  # noqa: B023
        until(lambda: source.metric("actorkit_unfinished") == 0, "all is acknowledged", timeout_s=60)  # noqa: B023
    assert sink.stop() == 0
    assert json.loads(file.read_text())["seen"] == {str(number): 1 for number in range(count)}
