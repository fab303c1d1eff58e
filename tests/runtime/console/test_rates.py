"""Rates of counters of instances that come and go."""

from __future__ import annotations

from actorkit.console.rates import Rates


def test_a_rate_is_the_mean_of_the_last_seconds() -> None:
    rates = Rates(window_s=2.0)
    assert [rates.take("sent", now, count) for now, count in ((0, 10), (1, 20), (2, 40), (3, 60), (4, 80))] == [
        0.0,
        10.0,
        15.0,
        20.0,
        20.0,
    ]


def test_a_counter_that_begins_again_makes_no_rate_below_zero() -> None:
    rates = Rates()
    rates.take("sent", 0, 1000)
    assert rates.take("sent", 1, 5) == 0.0
    assert rates.take("sent", 2, 15) == 10.0


def test_a_counter_that_is_not_kept_begins_anew() -> None:
    rates = Rates()
    for name in ("a", "b"):
        rates.take(name, 0, 0)
    rates.keep(["b"])
    assert repr(rates) == "<Rates of 1 counters>"
    assert rates.take("a", 1, 100) == 0.0
    assert rates.take("b", 1, 100) == 100.0
