"""Plain numbers that the broker counts in; metrics.py shows them to Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

#: Upper bounds of the histogram of request times, in seconds.
BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Counts:
    """Everything that a broker counts. Written by the broker's thread only, read by any."""

    __slots__ = (
        "answers",
        "errors",
        "expired",
        "mmi",
        "requests",
        "requeued",
        "seconds_buckets",
        "seconds_sum",
    )

    def __init__(self) -> None:
        self.requests = 0
        self.answers = 0
        self.expired = 0
        self.requeued = 0
        self.mmi = 0
        #: What went wrong, by reason; the reasons are a closed set, documented in docs/majordomo.md.
        self.errors: Counter[str] = Counter()
        #: Requests by time from arrival to answer, one bucket a bound and one beyond.
        self.seconds_buckets = [0] * (len(BOUNDS_S) + 1)
        self.seconds_sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one answered request."""
        self.answers += 1
        self.seconds_sum += seconds
        self.seconds_buckets[bisect_left(BOUNDS_S, seconds)] += 1
