"""Logins that wait for their hash: the same ones together, those of whom nothing bad is known first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

#: Events that may wait for a hash. One more takes the place of the oldest whose name or address failed before.
MOST_WAITING: Final = 512


@dataclass(eq=False)
class Check:
    """One pair of name and password to be looked at, and the events that wait for what comes of it."""

    digest: bytes
    name: str
    password: bytes
    address: str
    waiting: list[Any] = field(default_factory=list)


class Checks:
    """The queue. `clean(check)` tells whether neither its name nor its address has failed of late."""

    def __init__(self, clean: Callable[[Check], bool], most: int = MOST_WAITING) -> None:
        self._clean = clean
        self._most = most
        self._by_digest: dict[bytes, Check] = {}
        self._first: deque[Check] = deque()
        self._later: deque[Check] = deque()
        self.waiting = 0

    def __len__(self) -> int:
        return len(self._by_digest)

    def add(self, check: Check, event: Any) -> list[Any]:
        """Have an event wait; returns the events that have to give way."""
        known = self._by_digest.get(check.digest)
        out: list[Any] = []
        if self.waiting >= self._most:
            out = self._displace() if known is not None or self._clean(check) else []
            if not out:
                return [event]
        if known is None:
            known = self._by_digest[check.digest] = check
            (self._first if self._clean(check) else self._later).append(check)
        known.waiting.append(event)
        self.waiting += 1
        return out

    def _displace(self) -> list[Any]:
        """The events of the oldest check that is not clean any more."""
        self._sort()
        if not self._later:
            return []
        return self.done(self._later.popleft())

    def _sort(self) -> None:
        """Put those that have failed since they came behind the others."""
        for _ in range(len(self._first)):
            check = self._first.popleft()
            (self._first if self._clean(check) else self._later).append(check)

    def take(self) -> Check | None:
        """The next one to be looked at; `done` ends it."""
        while self._first:
            check = self._first.popleft()
            if self._clean(check):
                return check
            self._later.append(check)
        return self._later.popleft() if self._later else None

    def done(self, check: Check) -> list[Any]:
        """Forget a check; returns the events that waited for it."""
        del self._by_digest[check.digest]
        self.waiting -= len(check.waiting)
        return check.waiting
