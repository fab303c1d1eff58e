"""How long events took from their making until everything that they became was finished. No clock."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

#: Upper bounds of the histogram's buckets, in seconds.
BOUNDS_S: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class FinishTimes:
    """A histogram.

    Attributes:
        buckets: events by their time, one count for each of `BOUNDS_S` and one above them.
        seconds: all their times together.
    """

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0

    def take(self, begun: list[float], now: float) -> None:
        """Count events that are finished now, by the times at which they were made; the list is empty then."""
        for time in begun:
            self.seconds += now - time
            self.buckets[bisect_left(BOUNDS_S, now - time)] += 1
        begun.clear()
