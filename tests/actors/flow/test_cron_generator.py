"""cron-generator: times, time zones and clock changes, by a clock of the test's."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from actorkit import Event
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.cron_generator import CronGenerator
from actorkit_actors.flow.cron_times import CronTimes


def seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def times(expression: str, start: str, count: int, zone: str = "Europe/Berlin") -> list[str]:
    found, now, cron = [], seconds(start), CronTimes(expression, zone)
    for _ in range(count):
        now = cron.after(now)
        found.append(datetime.datetime.fromtimestamp(now, ZoneInfo(zone)).isoformat())
    return found


def test_times_are_those_of_the_zone() -> None:
    assert times("30 6 * * MON-FRI", "2026-01-02T12:00:00+01:00", 2) == [
        "2026-01-05T06:30:00+01:00",
        "2026-01-06T06:30:00+01:00",
    ]
    assert times("*/20 * * * * *", "2026-01-01T00:00:01+00:00", 3, "UTC") == [
        "2026-01-01T00:00:20+00:00",
        "2026-01-01T00:00:40+00:00",
        "2026-01-01T00:01:00+00:00",
    ]


def test_a_time_that_the_clock_leaves_out_comes_after_the_gap_and_every_day_has_one() -> None:
    assert times("30 2 * * *", "2026-03-28T12:00:00+01:00", 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_time_that_comes_twice_comes_once_and_an_hourly_one_twice() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00:00+02:00", 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]
    assert times("30 * * * *", "2026-10-25T01:45:00+02:00", 3) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:30:00+01:00",
    ]


def test_who_starts_in_the_second_of_two_hours_gets_no_time_of_the_first() -> None:
    assert times("45 2 * * *", "2026-10-25T02:30:00+01:00", 1) == ["2026-10-26T02:45:00+01:00"]


class Run:
    """A generator whose clock the test has."""

    def __init__(self, start: str, **params: Any) -> None:
        self.now = seconds(start)
        self.waits: list[float] = []
        self.harness = Harness(CronGenerator, data={"a": 1}, **params)
        self.harness.actor.now = lambda: self.now
        self.harness.actor.sleep = self._sleep
        self.events: Iterator[Event] = iter(self.harness.actor.produce())

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def due(self, count: int) -> list[Any]:
        return [event.get("due") for event in islice(self.events, count)]


def test_events_come_at_their_times_with_their_numbers() -> None:
    run = Run("2026-01-01T00:00:10+00:00", cron="* * * * *", count=2, attributes={"x": "y"}, service="s")
    events = list(run.events)
    assert [(event.get("number"), event.get("due"), event.get("x"), event.service) for event in events] == [
        (0, "2026-01-01T00:01:00Z", "y", "s"),
        (1, "2026-01-01T00:02:00Z", "y", "s"),
    ]
    assert run.now == seconds("2026-01-01T00:02:00+00:00")
    assert max(run.waits) <= 0.5


@pytest.mark.parametrize(("missed", "second"), [("once", "00:10:00Z"), ("all", "00:02:00Z")])
def test_times_that_were_missed_are_one_event_or_all(missed: str, second: str) -> None:
    run = Run("2026-01-01T00:00:10+00:00", cron="* * * * *", missed=missed)
    assert run.due(1) == ["2026-01-01T00:01:00Z"]
    run.now += 8.5 * 60
    assert run.due(1) == [f"2026-01-01T{second}"]


def test_a_clock_that_is_set_back_has_no_time_come_twice() -> None:
    run = Run("2026-01-01T00:00:10+00:00", cron="* * * * *")
    assert run.due(1) == ["2026-01-01T00:01:00Z"]
    run.now -= 45
    assert run.due(1) == ["2026-01-01T00:02:00Z"]


def test_an_instance_that_is_about_to_stop_makes_nothing_more() -> None:
    run = Run("2026-01-01T00:00:10+00:00", cron="* * * * *")
    run.harness.draining = True
    assert run.due(1) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cron": "* * *"}, "cron"),
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"cron": "* * * * *", "zone": "Mars/Base"}, "zone"),
        ({"cron": "* * * * *", "zone": "../etc/passwd"}, "zone"),
    ],
)
def test_what_names_no_time_is_found_before_the_first_event(params: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Harness(CronGenerator, **params)  # type: ignore[arg-type]
