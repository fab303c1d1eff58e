from __future__ import annotations

import json
from pathlib import Path

from actorkit import Event, Http, MalformedEvent
from actorkit.event.context import Failure
from actorkit.testing import Harness
from actorkit_actors.flow.pass_through import PassThrough
from tests.fleet import Fleet
from tests.until import until


def test_each_outbox_gets_the_event_as_it_came() -> None:
    harness = Harness(PassThrough, outboxes=("a", "b"))
    event = Event("x", attributes={"kind": 1}, http=Http(method="PUT", path="/"))
    harness.put(event)
    for box in ("a", "b"):
        [one] = harness.taken(box)
        assert (one.data, one.attributes, one.trace, one.http is not None) == ("x", {"kind": 1}, event.trace, True)


def test_fresh_ids_are_the_same_when_the_event_comes_again_and_differ_between_events() -> None:
    harness = Harness(PassThrough, fresh_ids=True)
    first, second = Event("x"), Event("x")
    harness.put(first, second, first)
    made = harness.taken()
    assert [event.get("came_from") for event in made] == [first.trace, second.trace, first.trace]
    assert made[0].key == made[2].key != made[1].key
    assert not {event.trace for event in made} & {first.trace, second.trace}
    assert harness.held == []


def test_an_event_of_an_error_path_goes_on_or_fails_with_what_it_has() -> None:
    failed = Event("x").failed(Failure.of(MalformedEvent("no total", code="T1"), "parse"))
    for raises in (False, True):
        harness = Harness(PassThrough, raise_failures=raises)
        harness.put(failed)
        [one] = harness.errors if raises else harness.taken()
        assert one.failure is not None
        assert (one.failure.status, one.failure.code, one.failure.message) == (400, "T1", "no total")


def test_under_fresh_ids_nothing_is_lost_when_it_is_killed(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "seen.json"
    sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(file), "pause_s": 0.001}))
    cls, params = "actorkit_actors.flow.pass_through:PassThrough", json.dumps({"fresh_ids": True})
    anew = fleet.start("anew", cls, outbox_sink="sink", params=params)
    made = json.dumps({"count": 600})
    source = fleet.start("source", "tests.probes:Source", outbox_anew="anew", params=made, source_window="100")
    until(lambda: sink.metric("actorkit_events_in_total") > 100, "some have arrived")
    anew.kill()
    anew = fleet.restart(anew)
    until(lambda: sink.metric("actorkit_events_in_total") >= 600, "all have arrived")
    until(lambda: source.metric("actorkit_unfinished") == 0, "all is finished")
    assert [process.stop() for process in (source, anew, sink)] == [0, 0, 0]
    seen = json.loads(file.read_text())["seen"]
    assert (len(seen), set(seen.values())) == (600, {1})
