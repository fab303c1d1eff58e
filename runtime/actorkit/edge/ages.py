"""The oldest of many events that were dated together, batch by batch. No clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from math import inf

from actorkit.event.parcel import Parcel


def oldest(
    parcels: Iterable[Parcel], runs: Iterable[tuple[int, float]], counts: Callable[[Parcel], bool], skip: int = 0
) -> float:
    """When the oldest event entered of those for which `counts` is true, but for the first `skip` of them; infinite
    where there is none.

    The runs tell the dates of the events, in their order, as (how many, time). A run that is not older than what was
    found is passed over as a whole: metrics are asked for again and again, and there may be thousands of events.
    """
    rest, best = iter(parcels), inf
    for length, since in runs:
        run = islice(rest, length)
        if skip > 0:
            skip -= sum(map(counts, run))
            if skip < 0:
                best = min(best, since)
        elif since < best and any(map(counts, run)):
            best = since
        deque(run, 0)
    return best
