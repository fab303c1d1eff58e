"""Keeps a server within its memory: who is turned away, and who is given up for others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from actorkit.errors import EventError, ServiceUnavailable
from actorkit.process import allocator
from actorkit_actors.http.budget import Budget

if TYPE_CHECKING:
    from actorkit_actors.http.connection import Connection

#: How often connections are looked over for clients that take too long, in seconds.
SWEEP_S: Final = 0.25

#: How long a client may hold bytes without getting on before others may have them, in seconds.
STUCK_S: Final = 1.0

#: When so many bytes have been given back since the last time, the C library is told to give its free memory back.
TRIM_BYTES: Final = 8 << 20


class BodyTooLarge(EventError):
    """Raised when a body takes more memory than the server may have in all."""

    status = 413


class Guard:
    """Watches the connections of one server.

    Attributes:
        connections: those that are open.
        budget: the bytes that they and the events behind them may hold.
        refused: clients that were turned away or given up, by reason.
    """

    def __init__(self, budget: Budget) -> None:
        self.connections: set[Connection] = set()
        self.budget = budget
        self.refused: dict[str, int] = {}
        #: There was nobody to give up; not worth looking again before then, in seconds of the monotonic clock.
        self._look_again = 0.0

    def __repr__(self) -> str:
        return f"<Guard {len(self.connections)} connections, {self.budget!r}, refused {self.refused}>"

    def count(self, reason: str) -> None:
        """Count a client that is turned away."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def sweep(self) -> None:
        """Give up what takes too long, and give memory back that is not needed now. To be called every `SWEEP_S`."""
        now, budget = time.monotonic(), self.budget
        for connection in [one for one in self.connections if one.deadline < now]:
            connection.expire()
        if budget.over:
            self.make_room()
        if budget.peak - budget.used >= TRIM_BYTES:
            budget.peak = budget.used
            allocator.trim()

    def make_room(self) -> None:
        """Give up clients that hold bytes and do not get on, those with most first, until an eighth is free."""
        now, budget = time.monotonic(), self.budget
        if now < self._look_again:
            return
        stuck = [one for one in self.connections if (since := one.stuck_since()) is not None and now - since >= STUCK_S]
        if not stuck:
            self._look_again = now + SWEEP_S
        for connection in sorted(stuck, key=lambda one: one.held, reverse=True):
            if budget.used <= budget.total * 7 // 8 and budget.large <= budget.most_large * 7 // 8:
                return
            connection.evict()

    def check_room(self, size: int) -> None:
        """Whether so many bytes may be used for a moment.

        Raises:
            ServiceUnavailable: not at present.
            BodyTooLarge: never.
        """
        if size > self.budget.total:
            self.count("body")
            raise BodyTooLarge(f"to read the body would take about {size} bytes; there are {self.budget.total}")
        if not self.budget.fits(size):
            self.make_room()
        if not self.budget.fits(size):
            raise self.no_room()

    def no_room(self) -> ServiceUnavailable:
        """The error of a request for which there is no memory, counted."""
        self.count("memory")
        return ServiceUnavailable("there is no memory for this request at present; try again")
