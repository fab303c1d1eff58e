"""rate-limit: token buckets with a clock of the test's, and the actor around them."""

from __future__ import annotations

import time

import gevent
import pytest

from actorkit import Event
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.bucket import Buckets
from actorkit_actors.flow.rate_limit import RateLimit


def test_a_burst_is_let_by_and_then_the_rate() -> None:
    buckets = Buckets(rate=2, burst=3)
    assert [buckets.take(b"", 100.0) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    assert buckets.take(b"", 100.4) == pytest.approx(0.1)
    assert buckets.take(b"", 100.5) == 0
    assert buckets.take(b"", 100.5) > 0
    assert [buckets.take(b"", 200.0) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)], "a bucket is never fuller"


def test_over_a_long_time_no_more_than_the_rate_is_let_by_and_no_less() -> None:
    buckets, by = Buckets(rate=10, burst=5), 0
    for step in range(10_000):  # 100 s, a hundred events each
        by += buckets.take(b"", step / 100) == 0
    assert by == pytest.approx(10 * 100 + 4, abs=1)


def test_keys_have_their_own_buckets_and_full_ones_are_not_kept() -> None:
    buckets = Buckets(rate=1, burst=1)
    for number in range(1000):
        assert buckets.take(b"%d" % number, number * 0.5) == 0
    assert len(buckets) <= 4
    assert buckets.take(b"999", 499.5) > 0


def test_strangers_who_choose_keys_cannot_make_it_grow() -> None:
    buckets = Buckets(rate=0.001, burst=1, max_keys=10)
    for number in range(1000):
        buckets.take(b"%d" % number, 0.0)
    assert len(buckets) == 10
    assert buckets.take(b"999", 0.0) > 0


def test_turns_are_handed_out_one_after_the_other_as_far_as_the_longest_wait() -> None:
    buckets = Buckets(rate=10, burst=1)
    given = [buckets.reserve(b"", 0.0, 0.25) for _ in range(5)]
    assert given == [
        (0.0, True),
        (pytest.approx(0.1), True),
        (pytest.approx(0.2), True),
        (pytest.approx(0.3), False),
        (pytest.approx(0.3), False),
    ]


def test_what_is_too_much_is_refused_and_told_when_to_come_again() -> None:
    harness = Harness(RateLimit, rate=0.1, burst=2)
    for number in range(4):
        harness.put(Event(number))
    assert [event.data for event in harness.taken()] == [0, 1]
    failed = harness.errors
    assert [event.data for event in failed] == [2, 3]
    assert failed[0].failure is not None
    assert (failed[0].failure.status, failed[0].failure.headers) == (429, [("Retry-After", "10")])
    assert {figure.value for figure in harness.actor.figures()} == {2, 1}


def test_each_key_has_its_rate_and_an_event_without_one_fails() -> None:
    harness = Harness(RateLimit, rate=0.1, key="attributes/who")
    for who in ("ann", "bob", "ann"):
        harness.put(Event(who, attributes={"who": who}))
    harness.put(Event("nobody"))
    assert [event.data for event in harness.taken()] == ["ann", "bob"]
    assert [event.failure.status for event in harness.errors if event.failure] == [429, 400]


def test_what_waits_for_its_turn_keeps_the_rate_and_its_order() -> None:
    harness = Harness(RateLimit, rate=50, over="delay")
    started = time.monotonic()
    for number in range(6):
        harness.put(Event(number))
    assert [event.data for event in harness.taken()] == list(range(6))
    assert time.monotonic() - started >= 0.099


def test_what_waits_beside_each_other_keeps_the_rate_too() -> None:
    harness = Harness(RateLimit, rate=50, over="delay", concurrency=10)
    started = time.monotonic()
    gevent.joinall([gevent.spawn(harness.put, Event(number)) for number in range(6)], raise_error=True)
    assert len(harness.taken()) == 6
    assert time.monotonic() - started >= 0.099


def test_what_would_wait_too_long_is_refused_at_once() -> None:
    harness = Harness(RateLimit, rate=0.001, over="delay", max_delay_s=5)
    started = time.monotonic()
    harness.put(Event(1))
    harness.put(Event(2))
    assert len(harness.taken()) == 1
    assert len(harness.errors) == 1
    assert time.monotonic() - started < 5


def test_a_key_that_cannot_be_read_is_found_before_the_first_event() -> None:
    with pytest.raises(SettingsError, match="key"):
        Harness(RateLimit, rate=1, key={"jsonpath": "$["})
