"""Slots of worker processes, so that of several processes the one with the least load gets the next request.

A process registers once for each slot (MDP: a registration does one request at a time), and its routing ids say that
they belong together. Its load counts all its slots at this broker, also those for other services. Nothing is searched
here: a change costs one move for each service of the process. A worker with one slot never comes here.

What fills a slot is the caller's: nothing here knows what a worker is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

#: What fills a slot: a worker.
Filler = TypeVar("Filler", bound=Hashable)


class Process(Generic[Filler]):
    """A process with several slots at this broker. `load` is the number of its slots that have a request."""

    __slots__ = ("load", "name", "services")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.load = 0
        #: Its slots by service: one entry for each service that it answers for.
        self.services: list[Slots[Filler]] = []

    def __repr__(self) -> str:
        return f"<Process {self.name.hex()}: {self.load} busy, {len(self.services)} services>"

    def add_busy(self, by: int) -> None:
        """Change the load: `by` is 1 when one of its slots gets a request, -1 when one has finished it."""
        self.load += by
        for slots in self.services:
            slots.relist()


class Slots(Generic[Filler]):
    """The slots of one process for one service; `idle` are those without a request, the one idle for longest first."""

    __slots__ = ("idle", "listed_load", "process", "processes", "registered")

    def __init__(self, process: Process[Filler], processes: LeastLoaded[Filler]) -> None:
        self.process = process
        #: The processes of the service, among which this one is listed while it has an idle slot.
        self.processes = processes
        self.idle: OrderedDict[Filler, None] = OrderedDict()
        self.registered = 0
        #: The load under which the process is listed; None while it is not listed.
        self.listed_load: int | None = None
        process.services.append(self)

    def __repr__(self) -> str:
        return f"<Slots of {self.process!r}: {len(self.idle)} of {self.registered} idle>"

    def join(self, worker: Filler) -> None:
        """Take up a slot that is idle."""
        self.registered += 1
        self.idle[worker] = None
        self.relist()

    def leave(self, worker: Filler, *, busy: bool) -> None:
        """Give up a slot; the last one takes the service off the process."""
        self.registered -= 1
        if busy:
            self.process.add_busy(-1)
        else:
            del self.idle[worker]
            self.relist()
        if not self.registered:
            self.process.services.remove(self)

    def take(self) -> Filler:
        """Take the slot that has been idle for longest; there is one."""
        worker, _ = self.idle.popitem(last=False)
        self.process.add_busy(1)
        return worker

    def put_back(self, worker: Filler) -> None:
        """Take back a slot that has finished its request."""
        self.idle[worker] = None
        self.process.add_busy(-1)

    def relist(self) -> None:
        """List the process under its present load, behind those of the same load."""
        load = self.process.load if self.idle else None
        if load != self.listed_load:
            self.processes.move(self, load)


class LeastLoaded(Generic[Filler]):
    """The processes that have an idle slot for one service, listed by their load."""

    __slots__ = ("_by_load",)

    def __init__(self) -> None:
        self._by_load: list[OrderedDict[Slots[Filler], None]] = []

    def __repr__(self) -> str:
        return f"<LeastLoaded by busy slots: {[len(listed) for listed in self._by_load]}>"

    def slots_of(self, process: Process[Filler]) -> Slots[Filler]:
        """The slots of a process for this service, new if it has none yet."""
        for slots in process.services:
            if slots.processes is self:
                return slots
        return Slots(process, self)

    def move(self, slots: Slots[Filler], load: int | None) -> None:
        """Take a process off the list, and list it again under that load; None: it has no idle slot."""
        if slots.listed_load is not None:
            del self._by_load[slots.listed_load][slots]
        slots.listed_load = load
        if load is not None:
            while len(self._by_load) <= load:
                self._by_load.append(OrderedDict())
            self._by_load[load][slots] = None

    def first(self) -> Slots[Filler] | None:
        """The slots of the process with the least load, of equals the one listed for longest; None: none is idle."""
        for listed in self._by_load:
            if listed:
                return next(iter(listed))
        return None
