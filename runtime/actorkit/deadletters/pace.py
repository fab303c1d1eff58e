"""How soon the next letter may go, where there may be so many a second."""

from __future__ import annotations

from typing import Final

#: Time of waiting that may be made up for, in seconds: as long as a look at what has been finished takes at most.
_CATCH_UP_S: Final = 0.05


class Pace:
    """At most `rate` a second; 0: no bound. After a pause nothing is made up for, so that no burst follows it."""

    def __init__(self, rate: float) -> None:
        self._period_s = 1 / rate if rate else 0.0
        self._due = float("-inf")

    def __repr__(self) -> str:
        return f"<Pace: one in {self._period_s:g} s>"

    def wait_s(self, now: float) -> float:
        """Seconds until one more may go; 0: it may go now."""
        return max(self._due - now, 0.0) if self._period_s else 0.0

    def went(self, now: float) -> None:
        """Count one that goes at that time."""
        self._due = max(self._due, now - _CATCH_UP_S) + self._period_s
