"""What the broker knows: services, the workers registered for them, and requests that wait or are being done."""

from __future__ import annotations

from collections import deque

import msgspec

from actorkit.mdp.broker.slots import LeastLoaded, Process, Slots
from actorkit.mdp.frames import OUR_WORKER, Dialect, Part, show


class Request(msgspec.Struct, gc=False, eq=False):
    """A client's request, kept until it is answered, refused or expired.

    A Struct, and not seen by the garbage collector: one is made for every request, and cycles cannot begin here.
    """

    client: Part
    dialect: Dialect
    body: list[Part]
    arrived: float
    #: When it expires; set once its service is known.
    deadline: float
    #: Whether the client is one of ours, which is told of refusals.
    noted: bool
    size_bytes: int = 0
    #: Workers that had it and were lost.
    attempts: int = 0
    #: What a 0.2 worker has answered in parts for a 0.1 client, which can be given one reply only.
    parts: list[Part] | None = None
    #: Whether a part of the answer has been sent to the client; then it cannot be done again.
    streamed: bool = False

    def __repr__(self) -> str:
        return f"<Request of {show(self.client)} ({self.dialect.version}), attempts {self.attempts}>"


class Worker:
    """One registration: a worker's connection that does one request at a time (RFC 7/MDP: one worker, one service)."""

    __slots__ = ("dialect", "gone", "identity", "last_seen", "last_sent", "ours", "places", "request", "service")

    def __init__(self, identity: Part, dialect: Dialect, service: Service, now: float) -> None:
        self.identity = identity
        self.ours = isinstance(identity, bytes) and identity.startswith(OUR_WORKER)
        self.dialect = dialect
        self.service = service
        self.last_seen = now
        self.last_sent = now
        self.request: Request | None = None
        #: Those of its process, if that has several.
        self.places: Slots | None = None
        self.gone = False

    def __repr__(self) -> str:
        state = "gone" if self.gone else "idle" if self.request is None else "busy"
        return f"<Worker {show(self.identity)} ({self.dialect.version}) of {self.service.label}: {state}>"


class Service:
    """A name that workers answer for.

    `idle` holds idle workers, the one longest idle first (least recently used). A worker that went is marked `gone` and
    skipped when it comes to the front, so that nothing is ever searched; `stale` counts these. Idle places of processes
    that have several are in `crowd` instead.
    """

    __slots__ = (
        "busy",
        "crowd",
        "idempotent",
        "idle",
        "label",
        "name",
        "next_deadline",
        "pinned",
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
        self.queue: deque[Request] = deque()
        self.idle: deque[Worker] = deque()
        self.crowd: LeastLoaded | None = None
        self.workers = 0
        self.busy = 0
        #: Workers in `idle` that are gone.
        self.stale = 0
        #: No request in the queue is due before this time; the next sweep looks then.
        self.next_deadline = float("inf")

    def __repr__(self) -> str:
        return f"<Service {self.label}: {self.workers} workers, {self.busy} busy, {len(self.queue)} waiting>"

    def is_needed(self) -> bool:
        """Tell whether anything would be lost if the service were forgotten."""
        return bool(self.pinned or self.workers or self.queue)

    def next_idle(self) -> Worker | None:
        """Take an idle worker, that of the least busy process; of equals the one idle for longest. None: all are busy.

        A worker of one place is not busy when it is idle, so it comes before those whose process does something.
        """
        places = self.crowd.least_busy() if self.crowd is not None else None
        if places is None or places.process.busy:
            idle = self.idle
            while idle:
                worker = idle.popleft()
                if not worker.gone:
                    return worker
                self.stale -= 1
        if places is None:
            return None
        worker, _ = places.idle.popitem(last=False)
        places.process.turn(1)
        return worker

    def mark_idle(self, worker: Worker) -> None:
        """Hear that a worker has nothing to do any more."""
        places = worker.places
        if places is None:
            self.idle.append(worker)
        else:
            places.idle[worker] = None
            places.process.turn(-1)

    def places_of(self, process: Process) -> Slots:
        """Return where the places of a process for this service are kept."""
        if self.crowd is None:
            self.crowd = LeastLoaded()
        for places in process.places:
            if places.crowd is self.crowd:
                return places
        return Slots(process, self.crowd)

    def drop_stale(self) -> None:
        """Hear that one in `idle` went; sweep them out when they are more than those that are there."""
        self.stale += 1
        if self.stale > 16 and 2 * self.stale > len(self.idle):
            self.idle = deque(worker for worker in self.idle if not worker.gone)
            self.stale = 0

    def oldest_s(self, now: float) -> float:
        """Return the age of the request that has waited for longest, 0 when none waits. Any thread may ask."""
        try:
            return max(0.0, now - self.queue[0].arrived)
        except IndexError:
            return 0.0

    def take_expired(self, now: float) -> list[Request]:
        """Take every request out of the queue whose deadline has passed."""
        kept: deque[Request] = deque()
        earliest = float("inf")
        expired: list[Request] = []
        for request in self.queue:
            if request.deadline <= now:
                expired.append(request)
            else:
                kept.append(request)
                earliest = min(earliest, request.deadline)
        self.queue = kept
        self.next_deadline = earliest
        return expired
