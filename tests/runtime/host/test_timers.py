"""Methods that are called every so often: when, how often, and what becomes of what they raise."""

from __future__ import annotations

import logging
import time

import gevent
import pytest

from actorkit import Actor, Event, JSONEvent, every
from actorkit.director import Director, DirectorError
from tests.runtime.directing import Keep
from tests.until import until


class Polls(Actor):
    """A source that is all timer; fails at first."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        interval_s: float = 0.02

    params: Params

    def setup(self) -> None:
        self.calls: list[float] = []

    @every("interval_s")
    def poll(self) -> None:
        self.calls.append(time.monotonic())
        if len(self.calls) == 1:
            raise OSError("not yet")
        self.send(JSONEvent(len(self.calls)))


class Beside(Actor):
    """Consumes as well."""

    def setup(self) -> None:
        self.calls = 0

    def consume(self, event: Event) -> Event:
        return event

    @every(0.01)
    def look(self) -> None:
        self.calls += 1

    @every("stuck_after_s")
    def never(self) -> None:
        raise AssertionError("the parameter is 0")


class Leaves(Actor):
    @every(0.01)
    def leave(self) -> None:
        raise SystemExit(3)


def test_a_timer_is_a_source_whose_events_are_new(director: Director, caplog: pytest.LogCaptureFixture) -> None:
    polls, keep = director.register_actor(Polls, "polls"), director.register_actor(Keep, "keep")
    director.connect_queue(polls, keep)
    with caplog.at_level(logging.ERROR):
        director.start(block=False)
        kept = director.host("keep").actor
        assert isinstance(kept, Keep)
        until(lambda: len(kept.kept) == 4, "it polls")
    assert [event.data for event in kept.kept[:4]] == [2, 3, 4, 5]
    assert "the timer poll failed; it is called again" in caplog.text
    assert len({event.trace for event in kept.kept}) == len(kept.kept)
    actor = director.host("polls").actor
    assert isinstance(actor, Polls)
    assert actor.calls[1] - actor.calls[0] >= 0.015


def test_an_interval_of_0_is_never_and_a_drain_ends_the_others(director: Director) -> None:
    director.register_actor(Beside, "beside", stuck_after_s=0)
    director.start(block=False)
    host = director.host("beside")
    actor = host.actor
    assert isinstance(actor, Beside)
    until(lambda: actor.calls > 2, "it is called")
    host.drain()
    seen = actor.calls
    gevent.sleep(0.05)  # No more calls, whatever time they have.
    assert actor.calls == seen


def test_a_timer_that_exits_ends_the_instance(director: Director) -> None:
    director.register_actor(Leaves, "leaves")
    director.start(block=False)
    with pytest.raises(DirectorError, match="SystemExit: 3"):
        director.block()


def test_what_an_actor_is_follows_from_its_timers() -> None:
    assert Polls.timers() == {"poll": "interval_s"}
    assert (Polls.produces(), Polls.consumes()) == (True, False)
    assert (Beside.produces(), Beside.consumes()) == (False, True)
