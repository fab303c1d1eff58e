"""When a source gives the others in the process their turn."""

from __future__ import annotations

import pytest

from actorkit import producer
from actorkit.consumer import TURN_S
from actorkit.producer import STRIDE, TURN_EVENTS, Pace


class Clock:
    """Goes on when it is told to; notes the turns that were given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.turns: list[float] = []
        monkeypatch.setattr(producer, "perf_counter", lambda: self.now)
        monkeypatch.setattr("gevent.sleep", lambda _: self.turns.append(self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def kept(clock: Clock, *seconds: float) -> list[int]:
    """Make events that take so long each; returns at which ones the pace was kept."""
    pace, look, looks = Pace(), 1, []
    for count, one in enumerate(seconds, 1):
        clock.now += one
        if count >= look:
            looks.append(count)
            look = pace.keep(count)
    return looks


def test_a_quick_source_seldom_looks_and_gives_turns_by_number(clock: Clock) -> None:
    looks = kept(clock, *[0.0] * (3 * TURN_EVENTS + 1))
    assert looks[:3] == [1, 1 + STRIDE, 1 + 2 * STRIDE]
    assert len(clock.turns) == 3


def test_a_slow_source_gives_a_turn_after_every_event(clock: Clock) -> None:
    assert kept(clock, *[TURN_S * 2] * 10) == list(range(1, 11))
    assert len(clock.turns) == 10


def test_a_source_that_becomes_slow_keeps_the_others_waiting_for_one_stride(clock: Clock) -> None:
    slow = [TURN_S * 2] * (STRIDE + 3)
    assert kept(clock, 0.0, *slow) == [1, 1 + STRIDE, 2 + STRIDE, 3 + STRIDE, 4 + STRIDE]
    assert len(clock.turns) == 4


def test_a_source_that_becomes_quick_seldom_looks_again(clock: Clock) -> None:
    assert kept(clock, TURN_S * 2, *[0.0] * (STRIDE + 1)) == [1, 2, 2 + STRIDE]
