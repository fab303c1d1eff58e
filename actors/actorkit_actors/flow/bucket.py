"""Token buckets, by key. No greenlets; the clock is an argument."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

#: Keys that are remembered at most. An idle key's bucket is full, as one that nobody remembers is.
MAX_KEYS: Final = 100_000


class Buckets:
    """For each key a bucket of `burst` tokens that fills with `rate` tokens a second; an event takes one.

    A bucket is kept as the time at which it is full again: what is full need not be kept. Where too many are not full,
    those that were used longest ago give way, and are taken for full.
    """

    def __init__(self, rate: float, burst: int, max_keys: int = MAX_KEYS) -> None:
        self._token_s = 1 / rate
        #: How far in the future a bucket may be full at most when a token is still there, in seconds.
        self._slack_s = (burst - 1) * self._token_s
        self._max_keys = max_keys
        self._full_at: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: bytes, now: float) -> float:
        """Take a token if there is one: 0.0, else the seconds until there is one."""
        full_at = max(now, self._full_at.get(key, now))
        wait_s = full_at - self._slack_s - now
        if wait_s > 1e-9:  # what floating point makes of nothing
            return wait_s
        self._use(key, full_at, now)
        return 0.0

    def reserve(self, key: bytes, now: float, longest_s: float) -> tuple[float, bool]:
        """The seconds until there is a token, and whether it is taken for then: not where that is too long."""
        full_at = max(now, self._full_at.get(key, now))
        wait_s = max(0.0, full_at - self._slack_s - now)
        if wait_s > longest_s:
            return wait_s, False
        self._use(key, full_at, now)
        return wait_s, True

    def _use(self, key: bytes, full_at: float, now: float) -> None:
        self._full_at[key] = full_at + self._token_s
        self._full_at.move_to_end(key)
        # Two looks for each use: those that are full again go faster than new ones come.
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if oldest == key or (self._full_at[oldest] > now and len(self._full_at) <= self._max_keys):
                break
            del self._full_at[oldest]
