"""A worker for MajorDomo services: handlers run in gevent, registrations and heartbeats in a native thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import gevent
from gevent.event import Event
from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool

from actorkit.event.context import Failure
from actorkit.mdp.directory.discovery import Discovery
from actorkit.mdp.frames import ErrorHeader, write_header
from actorkit.mdp.options import HEARTBEAT_S, LIVENESS
from actorkit.mdp.worker.registrations import Job, Registrations
from actorkit.transport.keys import ClientKeys

log = logging.getLogger(__name__)

#: Takes the body of a request, returns the body of its answer.
Handler: TypeAlias = Callable[[list[bytes]], list[bytes]]


class Worker:
    """Answers for services at every broker that stands behind the endpoints.

    `services` is a name, or several, with one `handler`; or a mapping of names to handlers. At most `capacity`
    handlers run at a time. MDP gives a registration one request at a time, so `capacity` registrations are shared out
    over services and brokers (capacity.py), and no more requests than that are held. Only where there are more services
    times brokers than `capacity`, of which each has one registration, a request may wait here for a free slot.

    What a handler raises goes to our own clients as ServiceFailed, with the exception's `status` if it has one.

    Stop in three steps: `drain()` disconnects what is idle and the rest after its answer; then `close()`.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        services: str | Sequence[str] | Mapping[str, Handler],
        handler: Handler | None = None,
        *,
        capacity: int = 1,
        heartbeat_s: float = HEARTBEAT_S,
        liveness: int = LIVENESS,
        addresses: Callable[[str], list[str]] | None = None,
        resolve_s: float = 1.0,
        keys: ClientKeys | None = None,
    ) -> None:
        self._handlers = _by_service(services, handler)
        self._endpoints = tuple(endpoints)
        self._addresses = addresses or Discovery(keys=keys, connected=lambda: self.brokers).addresses
        self._resolve_s = resolve_s
        self._jobs: deque[Job] = deque()
        self._room = Semaphore(capacity)
        self._running: set[gevent.Greenlet[..., Any]] = set()
        self._quiet = Event()
        self._started = False
        self._closed = False
        self._requests = 0
        self._failures = 0
        self._wake: Any = None
        self._follower: gevent.Greenlet[..., Any] | None = None
        self._pool: ThreadPool | None = None
        self._io = Registrations(
            list(self._handlers),
            capacity=capacity,
            heartbeat_s=heartbeat_s,
            liveness=liveness,
            keys=keys,
            deliver=self._deliver,
            changed=self._notify,
        )

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._running)} running"
        brokers = ", ".join(self.brokers) or "no broker"
        return f"<Worker for {', '.join(self._handlers)} at {brokers}: {state}>"

    @property
    def requests(self) -> int:
        """Requests taken so far."""
        return self._requests

    @property
    def failures(self) -> int:
        """Requests whose handler raised."""
        return self._failures

    @property
    def late_answers(self) -> int:
        """Answers dropped because the broker had gone or had given the worker up meanwhile."""
        return self._io.late_answers

    @property
    def running(self) -> int:
        """Requests that are being done, or wait for a free slot here."""
        return len(self._running)

    @property
    def brokers(self) -> list[str]:
        """Addresses of the brokers that this worker hears."""
        heard = (
            entry.address for entry in list(self._io.registrations) if (session := entry.session) and session.has_broker
        )
        return sorted(set(heard))

    def start(self) -> None:
        """Register, and begin to take requests in this thread's hub."""
        self._wake = gevent.get_hub().loop.async_()
        self._wake.start(self._take)
        self._pool = ThreadPool(1)
        self._pool.spawn(self._run)
        self._follow()
        self._follower = gevent.spawn(self._keep_following)
        self._started = True

    def drain(self, timeout_s: float) -> bool:
        """Take nothing more and finish what is being done; tell whether that was done in time."""
        if not self._started or self._closed:
            return True
        if self._follower is not None:
            self._follower.kill()
        self._io.drain()
        with gevent.Timeout(timeout_s, False):
            while self._running or self._jobs or not self._io.drained:
                self._quiet.clear()
                self._quiet.wait()
            return True
        return False

    def close(self) -> None:
        """Stop handlers and close every socket. A broker gives what was being done to another worker."""
        if self._closed:
            return
        self._closed = True
        if self._follower is not None:
            self._follower.kill()
        gevent.killall(list(self._running))
        self._io.stop()
        if self._pool is not None:
            self._pool.join()
            self._pool.kill()
            self._wake.stop()
            self._wake.close()
        self._io.close()

    def _run(self) -> None:
        try:
            self._io.run()
        except Exception:
            log.exception("mdp worker: the thread of %s ended", ", ".join(self._handlers))
            raise

    # In the native thread

    def _deliver(self, job: Job) -> None:
        self._jobs.append(job)
        self._wake.send()

    def _notify(self) -> None:
        self._wake.send()

    # In the hub

    def _take(self) -> None:
        """Start a handler for every request that came."""
        jobs = self._jobs
        while jobs:
            job = jobs.popleft()
            self._requests += 1
            greenlet = gevent.spawn(self._do, job)
            self._running.add(greenlet)
            greenlet.link(self._done)
        self._quiet.set()

    def _done(self, greenlet: gevent.Greenlet[..., Any]) -> None:
        self._running.discard(greenlet)
        self._quiet.set()

    def _do(self, job: Job) -> None:
        registration, session, body = job
        service = registration.service.decode()
        with self._room:
            try:
                answer = _check_answer(self._handlers[service](body))
            except Exception as exc:
                self._failures += 1
                log.exception("mdp worker: the handler of %s failed", service)
                answer = [write_header(_header(exc))]
        self._io.answer(registration, session, answer)

    def _keep_following(self) -> None:
        while True:
            gevent.sleep(self._resolve_s)
            try:
                self._follow()
            except Exception:  # a failed look-up must not end the following
                log.exception("mdp worker: looking up %s failed", ", ".join(self._endpoints))

    def _follow(self) -> None:
        found: set[str] = set()
        for endpoint in self._endpoints:
            found.update(self._addresses(endpoint))
        self._io.want(found)


def _check_answer(answer: object) -> list[bytes]:
    """The answer of a handler, if it can be sent: the native thread that sends it must not fail."""
    if isinstance(answer, list | tuple) and all(isinstance(part, bytes | bytearray | memoryview) for part in answer):
        return list(answer)
    raise TypeError(f"an answer is a list of bytes, not {answer!r:.100}")


def _header(error: Exception) -> ErrorHeader:
    failure, status = Failure.of(error), getattr(error, "status", 500)
    told = failure.kind if failure.message == failure.kind else f"{failure.kind}: {failure.message}"
    return ErrorHeader(status=status if isinstance(status, int) else 500, error=told, by="worker")


def _by_service(services: str | Sequence[str] | Mapping[str, Handler], handler: Handler | None) -> dict[str, Handler]:
    if isinstance(services, Mapping):
        return dict(services)
    if handler is None:
        raise TypeError("a worker needs a handler, or a mapping of services to handlers")
    names = [services] if isinstance(services, str) else services
    return dict.fromkeys(names, handler)
