"""The oldest of many events, told by runs that have one date each."""

from __future__ import annotations

from itertools import chain, repeat
from math import inf
from random import Random

import pytest

from actorkit.edge.ages import oldest
from actorkit.event.parcel import Parcel


def parcel(id_: int) -> Parcel:
    return Parcel(id_, 0, "n", b"", b"")


@pytest.mark.parametrize("seed", range(20))
def test_the_oldest_is_that_of_a_look_at_each(seed: int) -> None:
    dice = Random(seed)
    runs = [(dice.randrange(5), dice.choice([inf, *range(9)])) for _ in range(dice.randrange(12))]
    dates = list(chain.from_iterable(repeat(since, length) for length, since in runs))
    parcels = [parcel(dice.randrange(2)) for _ in dates]
    for skip in range(-1, len(dates) + 2):
        left = [since for one, since in zip(parcels, dates, strict=True) if one.id][max(0, skip) :]
        assert oldest(parcels, runs, lambda one: one.id > 0, skip) == min(left, default=inf)


def test_events_that_are_younger_than_what_was_found_are_not_looked_at() -> None:
    looked_at: list[Parcel] = []
    parcels = [parcel(number) for number in range(10_000)]

    def counts(one: Parcel) -> bool:
        looked_at.append(one)
        return True

    assert oldest(parcels, [(100, float(since)) for since in range(1, 101)], counts) == 1.0
    assert len(looked_at) == 1
