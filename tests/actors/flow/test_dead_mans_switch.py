"""dead-mans-switch: when it tells that nothing came, by a clock of the test's."""

from __future__ import annotations

import logging

import pytest

from actorkit import Event
from actorkit.testing import Harness
from actorkit_actors.flow.dead_mans_switch import DeadMansSwitch, Silence


def test_silence_is_told_once_and_again_after_something_came() -> None:
    silence = Silence(10, 0, now=100.0)
    assert [silence.is_due(now) for now in (100.0, 109.9, 110.0, 110.1, 500.0)] == [False, False, True, False, False]
    silence.came(500.0)
    assert [silence.is_due(now) for now in (509.9, 510.0, 900.0)] == [False, True, False]


def test_what_comes_in_time_keeps_it_quiet() -> None:
    silence = Silence(10, 0, now=0.0)
    for now in range(0, 100, 9):
        assert not silence.is_due(now)
        silence.came(now)


def test_it_is_told_again_where_that_is_wanted() -> None:
    silence = Silence(10, 5, now=0.0)
    assert [now for now in range(31) if silence.is_due(now)] == [10, 15, 20, 25, 30]


def test_events_pass_and_silence_becomes_an_event_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    params = {"data": {"alarm": True}, "attributes": {"a": 1}}
    harness = Harness(DeadMansSwitch, outboxes=("out", "silent"), timeout_s=60.0, **params)  # type: ignore[arg-type]
    event = Event("x")
    harness.put(event)
    harness.tick("look")
    assert [passed.id for passed in harness.taken()] == [event.id]
    assert harness.taken("silent") == []
    harness.actor.silence.came(harness.actor.silence.since - 70)
    with caplog.at_level(logging.WARNING):
        harness.tick("look")
        harness.tick("look")
    [told] = harness.taken("silent")
    assert told.data == {"alarm": True}
    assert told.trace != event.trace
    assert (told.get("a"), told.get("silent_s") >= 70) == (1, True)
    assert harness.taken() == []
    assert "nothing has come" in caplog.text
