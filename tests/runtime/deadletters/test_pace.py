"""How soon the next letter may go."""

from __future__ import annotations

import pytest

from actorkit.deadletters.pace import Pace


def going(pace: Pace, begin: float, end: float, pause_s: float) -> list[float]:
    """When letters go, where somebody looks whether one may each `pause_s`, and sends as many as may go."""
    times = []
    for step in range(round((end - begin) / pause_s)):
        now = begin + step * pause_s
        while not pace.wait_s(now):
            pace.went(now)
            times.append(now)
    return times


@pytest.mark.parametrize("pause_s", [0.001, 0.01, 0.05])
def test_so_many_go_in_a_second(pause_s: float) -> None:
    times = going(Pace(20), 0.0, 10.0, pause_s)
    assert len(times) == pytest.approx(200, abs=5)


def test_no_burst_follows_a_pause() -> None:
    pace = Pace(20)
    going(pace, 0.0, 1.0, 0.001)
    assert len(going(pace, 60.0, 61.0, 0.001)) <= 22
    assert len(going(pace, 120.0, 120.001, 0.001)) <= 2, "at once"


def test_without_a_rate_nothing_waits() -> None:
    pace = Pace(0)
    for _ in range(1000):
        assert pace.wait_s(5.0) == 0
        pace.went(5.0)
