"""Keeps a server within its memory: who is turned away, and who is given up for others."""

from __future__ import annotations

import time
from typing import Final, Protocol

import gevent
from gevent.lock import Semaphore

from actorkit.errors import ServiceUnavailable
from actorkit.process import allocator
from actorkit_actors.http.budget import SMALL_BYTES, Budget
from actorkit_actors.http.media import BodyTooLarge

#: How often connections are looked over for clients that take too long, in seconds.
SWEEP_S: Final = 0.25

#: How long a client may hold bytes without getting on before others may have them, in seconds: one whose message is
#: large, and one that has not sent a small one in a piece.
STUCK_S: Final = 1.0
SMALL_STUCK_S: Final = 0.1

#: How long there is nothing to look for when nobody was stuck, in seconds.
LOOK_AGAIN_S: Final = 0.05

#: So many connections that are refused are read on for long, so that their clients see why.
MOST_LEAVING: Final = 128

#: How long late requests may be answered on end, and the pause after that, in which sockets are looked at; in seconds.
TURN_S: Final = 0.005
PAUSE_S: Final = 0.001

#: How long a connection may be idle where all are taken and others wait, in seconds.
IDLE_S: Final = 1.0

#: When so many bytes have been given back since the last time, the C library is told to give its free memory back.
TRIM_BYTES: Final = 8 << 20


class Guarded(Protocol):
    """A connection, as far as it is watched.

    Attributes:
        deadline: when it takes too long, in seconds of the monotonic clock.
    """

    deadline: float

    @property
    def idle(self) -> bool:
        """Whether no request has begun to arrive or waits for its answer."""

    @property
    def held(self) -> int:
        """The bytes that it holds."""

    def stuck_since(self) -> float:
        """Since when its client has not got on; infinite where it does all that it can."""

    def idle_since(self) -> float:
        """Since when it has been idle; infinite where it is not."""

    def expire(self) -> None:
        """Give it up, as it takes too long."""

    def evict(self) -> None:
        """Give it up, or what waits behind its first request, for others."""


class Guard:
    """Watches the connections of one server.

    Attributes:
        connections: those that are open.
        budget: the bytes that they and the events behind them may hold.
        refused: clients that were turned away or given up, by reason.
    """

    def __init__(self, budget: Budget, most_connections: int) -> None:
        self.most_connections = most_connections
        #: Held by the one connection whose bytes are hard to read, so that the others get their turns between.
        self.lane = Semaphore()
        #: Held by the one connection that takes its turn after a request whose time was over.
        self._late = Semaphore()
        #: Held by one of the connections that are refused, until the next one may read what still comes.
        self.away = Semaphore()
        #: How many connections are refused and not closed yet.
        self.leaving = 0
        self._loop = gevent.get_hub().loop
        self.connections: set[Guarded] = set()
        self.budget = budget
        self.refused: dict[str, int] = {}
        #: There was nobody to give up; not worth looking again before then, in seconds of the monotonic clock.
        self._look_again = 0.0

    def __repr__(self) -> str:
        return f"<Guard {len(self.connections)} connections, {self.budget!r}, refused {self.refused}>"

    def count(self, reason: str) -> None:
        """Count a client that is turned away."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def take_turn(self) -> None:
        """Let others have their turns before a request is answered whose time is over: a crowd that has asked a dead
        service at one moment is answered at one moment, too, and nothing else is looked at meanwhile."""
        with self._late:
            if time.time() - self._loop.now() > TURN_S:
                gevent.sleep(PAUSE_S)

    def sweep(self) -> None:
        """Give up what takes too long, and give memory back that is not needed now. To be called every `SWEEP_S`."""
        now, budget = time.monotonic(), self.budget
        for connection in [one for one in self.connections if one.deadline < now]:
            connection.expire()
        if budget.over:
            self.make_room()
        if len(self.connections) >= self.most_connections:
            self._close_idle(now)
        if budget.peak - budget.used >= TRIM_BYTES:
            budget.peak = budget.used
            allocator.trim()

    def make_room(self) -> None:
        """Give up clients that hold bytes and do not get on, and requests that wait behind others of their connection,
        those with most first, until an eighth is free."""
        now, budget = time.monotonic(), self.budget
        if now < self._look_again:
            return
        stuck = [one for one in self.connections if one.held and _is_long(one, now - one.stuck_since())]
        if not stuck:
            self._look_again = now + LOOK_AGAIN_S
        for connection in sorted(stuck, key=lambda one: one.held, reverse=True):
            if budget.used <= budget.total * 7 // 8 and budget.large <= budget.most_large * 7 // 8:
                return
            connection.evict()

    @property
    def crowded(self) -> bool:
        """Whether connections are so many that none should stay without need."""
        return len(self.connections) * 2 > self.most_connections or self.leaving > MOST_LEAVING

    def _close_idle(self, now: float) -> None:
        """Close the connections that have been idle for longest, a sixteenth of all, where new ones cannot get in."""
        idle = [(since, one) for one in self.connections if (since := one.idle_since()) <= now - IDLE_S]
        idle.sort(key=lambda found: found[0])
        for _, connection in idle[: self.most_connections // 16 + 1]:
            self.count("idle")
            connection.expire()

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


def _is_long(connection: Guarded, stuck_s: float) -> bool:
    return stuck_s >= (STUCK_S if connection.held > SMALL_BYTES else SMALL_STUCK_S)
