"""callback-generator: one event at a time."""

from __future__ import annotations

import time

import gevent
import pytest

from actorkit.errors import MalformedEvent
from actorkit.testing import Harness
from actorkit_actors.flow.callback_generator import CallbackGenerator


@pytest.mark.parametrize("fails", [False, True])
def test_the_next_event_is_made_when_the_last_is_finished_or_has_failed(fails: bool) -> None:
    harness = Harness(CallbackGenerator, count=2, data="x")
    events = harness.actor.produce()
    first = next(events)
    harness.send(first, None)
    following = gevent.spawn(next, events)
    gevent.sleep(0.05)  # the time in which a wrong one would have come
    assert not following.ready()
    harness.settle(failure=MalformedEvent("no") if fails else None)
    second = following.get(timeout=10)
    assert [(event.get("number"), event.get("failed")) for event in (first, second)] == [(0, False), (1, fails)]
    harness.send(second, None)
    harness.settle()
    assert list(events) == []


def test_two_starts_make_events_of_their_own() -> None:
    one, other = (next(Harness(CallbackGenerator).actor.produce()).position for _ in range(2))
    assert one != other


def test_there_is_a_least_time_between_two_events() -> None:
    harness = Harness(CallbackGenerator, interval_s=0.1)
    events, started = harness.actor.produce(), time.monotonic()
    harness.send(next(events), None)
    harness.settle()
    next(events)
    assert time.monotonic() - started >= 0.1


def test_an_instance_that_is_about_to_stop_waits_for_nothing() -> None:
    harness = Harness(CallbackGenerator)
    events = harness.actor.produce()
    harness.send(next(events), None)
    harness.draining = True
    assert list(events) == []
