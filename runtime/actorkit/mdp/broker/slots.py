"""Worker processes with several places, so that the one that is least busy gets the next request.

A process registers once for each place (MDP: a registration does one request at a time), and its routing ids say that
they belong together. How busy it is counts all its places at this broker, also those for other services. Nothing is
searched here: a change costs a move for each service of the process. Workers with one place never come here.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorkit.mdp.broker.service import Worker


class Process:
    """A process with several places, at this broker."""

    __slots__ = ("busy", "name", "places")

    def __init__(self, name: bytes) -> None:
        self.name = name
        #: Its places that have a request.
        self.busy = 0
        self.places: list[Slots] = []

    def __repr__(self) -> str:
        return f"<Process {self.name.hex()}: {self.busy} busy, {len(self.places)} services>"

    def turn(self, by: int) -> None:
        """Hear that so many more of its places are busy."""
        self.busy += by
        for places in self.places:
            places.move()


class Slots:
    """The places of one process for one service; `idle` are those without a request, the one longest idle first."""

    __slots__ = ("crowd", "idle", "level", "process", "registered")

    def __init__(self, process: Process, crowd: LeastLoaded) -> None:
        self.process = process
        self.crowd = crowd
        self.idle: OrderedDict[Worker, None] = OrderedDict()
        self.registered = 0
        #: How busy the process was when it was listed in the crowd; None: it is not listed.
        self.level: int | None = None
        process.places.append(self)

    def __repr__(self) -> str:
        return f"<Slots of {self.process!r}: {len(self.idle)} of {self.registered} idle>"

    def join(self, worker: Worker) -> None:
        """Take up a place that is idle."""
        self.registered += 1
        self.idle[worker] = None
        self.move()

    def leave(self, worker: Worker, *, busy: bool) -> None:
        """Give up a place; the last one takes the service off the process."""
        self.registered -= 1
        if busy:
            self.process.turn(-1)
        else:
            del self.idle[worker]
            self.move()
        if not self.registered:
            self.process.places.remove(self)

    def move(self) -> None:
        """List the process where it belongs now; it is the last among equals."""
        level = self.process.busy if self.idle else None
        if level != self.level:
            self.crowd.move(self, level)


class LeastLoaded:
    """The processes that have an idle place for one service, by how busy they are."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[OrderedDict[Slots, None]] = []

    def __repr__(self) -> str:
        return f"<LeastLoaded by busy places: {[len(level) for level in self._levels]}>"

    def move(self, places: Slots, level: int | None) -> None:
        """Take places off the list, and list them again for a process that is so busy."""
        if places.level is not None:
            del self._levels[places.level][places]
        places.level = level
        if level is not None:
            while len(self._levels) <= level:
                self._levels.append(OrderedDict())
            self._levels[level][places] = None

    def least_busy(self) -> Slots | None:
        """Return the idle places of the least busy process; None when there is no idle place."""
        for level in self._levels:
            if level:
                return next(iter(level))
        return None
