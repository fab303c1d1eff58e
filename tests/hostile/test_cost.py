"""What input costs grows with its length, whatever it is made of."""

from __future__ import annotations

import pytest
from benchmarks.hostile import KINDS, cost_ms

#: Four times as much input may cost this many times as much: four, and what a busy machine adds. Sixteen is quadratic.
MOST = 9

#: Elements, keys, fields … of the shorter input.
MANY = 10_000


@pytest.mark.parametrize("kind", KINDS)
def test_four_times_as_much_costs_four_times_as_much(kind: str) -> None:
    make, use = KINDS[kind]
    short, long = make(MANY), make(4 * MANY)
    factor = min(max(cost_ms(long, use, 2), 1.0) / max(cost_ms(short, use, 2), 1.0) for _ in range(3))
    assert factor < MOST


def test_connect_costs_no_more_than_another_refusal() -> None:
    def cost(kind: str) -> float:
        make, use = KINDS[f"refusal: {kind}"]
        return cost_ms(make(MANY), use, 3)

    assert min(cost("CONNECT") / cost("a broken Host") for _ in range(3)) < 1.5
