"""What follows from two readings of an instance's figures."""

from __future__ import annotations

from actorkit_kit.operating.figures import Figures, quantile, rate


def reading(moment: float, total: float, buckets: tuple[float, ...] = ()) -> Figures:
    lines = [f'things_total{{actor="a",instance="a-1",topology="t",kind="x"}} {total}']
    for bound, count in zip(("0.1", "1", "+Inf"), buckets, strict=False):
        lines.append(f'took_bucket{{actor="a",le="{bound}"}} {count}')
    types = "# TYPE things counter\n", "# TYPE took histogram\n"
    return Figures.read(types[0] + lines[0] + "\n" + types[1] + "\n".join(lines[1:]) + "\n", moment)


def test_a_rate_is_what_a_counter_has_grown_a_second() -> None:
    assert rate(reading(1, 10), reading(3, 40), "things_total") == 15
    assert rate(reading(1, 10), reading(3, 40), "things_total", kind="x") == 15
    assert rate(reading(1, 10), reading(3, 40), "things_total", kind="y") == 0
    assert rate(None, reading(3, 40), "things_total") == 0


def test_an_instance_that_has_begun_anew_counts_from_zero() -> None:
    assert rate(reading(1, 1000), reading(3, 40), "things_total") == 20


def test_a_quantile_is_that_of_what_happened_in_between() -> None:
    before, now = reading(1, 0, (100, 100, 100)), reading(3, 0, (150, 200, 200))
    assert quantile([(before, now)], "took", 0.5) == 0.1
    assert quantile([(before, now)], "took", 0.75) == 0.55
    assert quantile([(now, now)], "took", 0.5) is None
    assert quantile([], "took", 0.5) is None


def test_a_quantile_above_all_bounds_is_the_last_of_them() -> None:
    assert quantile([(None, reading(1, 0, (0, 0, 10)))], "took", 0.95) == 1.0
