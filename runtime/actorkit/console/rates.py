"""How fast counters grow. Counters are those of instances: one that starts again begins at 0."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable
from typing import Final

#: What a rate is the mean of, in seconds.
WINDOW_S: Final = 5.0


class Rates:
    """The rates of counters, each with a name of its own."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._seen: dict[Hashable, deque[tuple[float, int]]] = {}

    def __repr__(self) -> str:
        return f"<Rates of {len(self._seen)} counters>"

    def take(self, name: Hashable, now: float, count: int) -> float:
        """How fast a counter grows, in events a second, now that it stands at `count`; 0 the first time."""
        seen = self._seen.setdefault(name, deque())
        if seen and count < seen[-1][1]:
            seen.clear()
        seen.append((now, count))
        while len(seen) > 2 and seen[1][0] <= now - self._window_s:
            seen.popleft()
        elapsed_s = now - seen[0][0]
        return (count - seen[0][1]) / elapsed_s if elapsed_s > 0 else 0.0

    def keep(self, names: Collection[Hashable]) -> None:
        """Forget all other counters."""
        for name in self._seen.keys() - set(names):
            del self._seen[name]
