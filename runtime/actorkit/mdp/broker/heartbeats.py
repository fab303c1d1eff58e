"""When each worker is to be sent a heartbeat, and when it counts as dead."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

from actorkit.mdp.broker.service import Worker
from actorkit.mdp.frames import Part, heartbeat


class Heartbeats:
    """A heap of the times at which a worker has to be looked at; busy workers are looked at too (rule 11).

    A worker is sent a heartbeat when nothing was sent to it for an interval (rule 14), and is dead when nothing came
    from it for the expiry time (rule 12). When the broker itself was stopped for longer than an interval, what workers
    sent meanwhile is still unread; the time before it woke is then not held against them.
    """

    def __init__(self, interval_s: float, expiry_s: float, now: float) -> None:
        self._interval_s = interval_s
        self._expiry_s = expiry_s
        self._last = now
        self._awake_since = now
        self._order = count()
        self._heap: list[tuple[float, int, Worker]] = []

    def watch(self, worker: Worker, now: float) -> None:
        """Begin to look after a worker; it ends by itself when the worker is `gone`."""
        heappush(self._heap, (now + self._interval_s, next(self._order), worker))

    def due(self, now: float, outgoing: list[list[Part]]) -> list[Worker]:
        """Append the heartbeats that are due to `outgoing`; return the workers that are dead."""
        if now - self._last > self._interval_s:
            self._awake_since = now
        self._last = now
        heap = self._heap
        dead: list[Worker] = []
        while heap and heap[0][0] <= now:
            _, _, worker = heappop(heap)
            if worker.gone:
                continue
            expires = max(worker.last_seen, self._awake_since) + self._expiry_s
            if expires <= now:
                dead.append(worker)
                continue
            if worker.last_sent + self._interval_s <= now:
                worker.last_sent = now
                outgoing.append([worker.identity, *heartbeat(worker.dialect)])
            heappush(heap, (min(worker.last_sent + self._interval_s, expires), next(self._order), worker))
        return dead
