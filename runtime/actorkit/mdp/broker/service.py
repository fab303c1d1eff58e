"""What the broker knows of one service, and of one worker registered for it."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from actorkit.mdp.broker import slots
from actorkit.mdp.broker.queue import RequestQueue
from actorkit.mdp.broker.request import Request
from actorkit.mdp.frames import OUR_WORKER, Dialect, Part, show


class Worker:
    """One registration: a worker's connection that does one request at a time (RFC 7/MDP: one worker, one service)."""

    __slots__ = ("dialect", "gone", "identity", "is_ours", "last_seen", "last_sent", "request", "service", "slots")

    def __init__(self, identity: Part, dialect: Dialect, service: Service, now: float) -> None:
        self.identity = identity
        self.is_ours = isinstance(identity, bytes) and identity.startswith(OUR_WORKER)
        self.dialect = dialect
        self.service = service
        self.last_seen = now
        self.last_sent = now
        self.request: Request | None = None
        #: The slots of its process for the service; None where the process has this one only.
        self.slots: Slots | None = None
        self.gone = False

    def __repr__(self) -> str:
        state = "gone" if self.gone else "idle" if self.request is None else "busy"
        return f"<Worker {show(self.identity)} ({self.dialect.version}) of {self.service.label}: {state}>"


Process: TypeAlias = slots.Process[Worker]
Slots: TypeAlias = slots.Slots[Worker]


class Service:
    """A name that workers answer for.

    `idle` holds idle workers of one slot, the one idle for longest first (least recently used). A worker that went is
    marked `gone` and skipped when it comes to the front, so that nothing is ever searched; `stale` counts these. Idle
    slots of processes that have several are in `processes` instead.
    """

    __slots__ = (
        "busy",
        "idempotent",
        "idle",
        "label",
        "made_up_by",
        "name",
        "next_deadline",
        "pinned",
        "processes",
        "queue",
        "queue_limit",
        "request_timeout_s",
        "stale",
        "workers",
    )

    def __init__(
        self, name: bytes, *, idempotent: bool, queue_limit: int, request_timeout_s: float, pinned: bool
    ) -> None:
        self.name = name
        self.label = name.decode()
        self.idempotent = idempotent
        self.queue_limit = queue_limit
        self.request_timeout_s = request_timeout_s
        #: A configured service is kept when nobody waits or works for it.
        self.pinned = pinned
        #: The client that made the name up, while no worker has registered for it.
        self.made_up_by: Part | None = None
        self.queue = RequestQueue()
        self.idle: deque[Worker] = deque()
        #: The processes with several slots for this service; None while there is none.
        self.processes: slots.LeastLoaded[Worker] | None = None
        self.workers = 0
        self.busy = 0
        #: How many workers in `idle` are gone.
        self.stale = 0
        #: No request in the queue is due before this time; the next sweep looks then.
        self.next_deadline = float("inf")

    def __repr__(self) -> str:
        return f"<Service {self.label}: {self.workers} workers, {self.busy} busy, {len(self.queue)} waiting>"

    def is_needed(self) -> bool:
        """Whether anything would be lost if the service were forgotten."""
        return bool(self.pinned or self.workers or self.queue)

    def add(self, worker: Worker, process: Process | None) -> None:
        """Take up a new worker, which is idle; `process` is its process where that has several slots."""
        self.workers += 1
        if process is None:
            self.idle.append(worker)
            return
        if self.processes is None:
            self.processes = slots.LeastLoaded()
        worker.slots = self.processes.slots_of(process)
        worker.slots.join(worker)

    def remove(self, worker: Worker, *, busy: bool) -> None:
        """Give up a worker that is gone."""
        self.workers -= 1
        if busy:
            self.busy -= 1
        if worker.slots is not None:
            worker.slots.leave(worker, busy=busy)
        elif not busy:
            self._count_stale()

    def next_idle(self) -> Worker | None:
        """Take an idle worker, of the process with the least load; of equals the one idle for longest. None: all are
        busy.

        The process of a worker with one slot has no load while that is idle, so it comes before any that has some.
        """
        free = self.processes.first() if self.processes is not None else None
        if free is None or free.process.load:
            idle = self.idle
            while idle:
                worker = idle.popleft()
                if not worker.gone:
                    return worker
                self.stale -= 1
        return free.take() if free is not None else None

    def mark_idle(self, worker: Worker) -> None:
        """Take back a worker that has finished its request."""
        if worker.slots is None:
            self.idle.append(worker)
        else:
            worker.slots.put_back(worker)

    def oldest_s(self, now: float) -> float:
        """The age of the request that has waited for longest, 0 when none waits. Any thread may ask."""
        oldest = self.queue.oldest()
        return 0.0 if oldest is None else max(0.0, now - oldest)

    def take_expired(self, now: float) -> list[Request]:
        """Take every request out of the queue whose deadline has passed."""
        expired, self.next_deadline = self.queue.take_expired(now)
        return expired

    def _count_stale(self) -> None:
        """Count one in `idle` that went; sweep them out when they are more than those that are there."""
        self.stale += 1
        if self.stale > 16 and 2 * self.stale > len(self.idle):
            self.idle = deque(worker for worker in self.idle if not worker.gone)
            self.stale = 0
