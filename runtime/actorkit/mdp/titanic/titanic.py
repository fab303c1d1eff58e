"""Durable requests (RFC 9/TSP, Titanic): stored before they are accepted, done when their service is there.

    titanic.request [service, body…]  →  [200, id] | [500]
    titanic.reply   [id]              →  [200, body…] | [300 not yet] | [400 unknown id]
    titanic.close   [id]              →  [200]

To the broker it is a worker for these three services and an ordinary client of all others. A request may be done twice:
when its worker answered and the answer did not reach the file.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

import gevent
from gevent.event import Event
from gevent.threadpool import ThreadPool

from actorkit.errors import ActorkitError
from actorkit.mdp.client.client import Client
from actorkit.mdp.errors import ServiceFailed
from actorkit.mdp.frames import MMI, ErrorHeader, is_service_name, write_header
from actorkit.mdp.options import HEARTBEAT_S
from actorkit.mdp.titanic.store import Pending, Store
from actorkit.mdp.worker.worker import Worker
from actorkit.transport.keys import ClientKeys

log = logging.getLogger(__name__)

REQUEST: Final = "titanic.request"
REPLY: Final = "titanic.reply"
CLOSE: Final = "titanic.close"

OK: Final = b"200"
PENDING: Final = b"300"
UNKNOWN: Final = b"400"
ERROR: Final = b"500"

#: Requests that are under way at a time.
AT_A_TIME: Final = 16
#: Requests that are kept; more are refused.
LIMIT: Final = 1_000_000
#: Longest wait for one answer of a service, in seconds; then it is asked again.
TIMEOUT_S: Final = 60.0
#: Pause before a service that was not there, or did not answer, is asked again, in seconds.
RETRY_S: Final = 1.0
#: How long a request is kept that nobody closes, in seconds.
KEEP_S: Final = 7 * 86_400.0

_T = TypeVar("_T")
_P = ParamSpec("_P")


class _Doing(NamedTuple):
    """A request that is under way."""

    service: str
    greenlet: gevent.Greenlet[..., Any]


class Titanic:
    """Keeps requests in the file at `path`. One instance for a file; `close()` ends it and loses nothing.

    `at_a_time` requests are under way at most, `limit` are kept; a service that is not there, or does not answer within
    `timeout_s`, is tried again every `retry_s`. What nobody has collected after `keep_s` is forgotten.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        path: Path,
        *,
        at_a_time: int = AT_A_TIME,
        limit: int = LIMIT,
        timeout_s: float = TIMEOUT_S,
        retry_s: float = RETRY_S,
        keep_s: float = KEEP_S,
        heartbeat_s: float = HEARTBEAT_S,
        keys: ClientKeys | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = Store(path)
        self._at_a_time = at_a_time
        self._limit = limit
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._keep_s = keep_s
        self._clock = clock
        self._closed = False
        self._under_way: dict[str, _Doing] = {}
        #: Services that are not there, or did not answer, and when they are asked again.
        self._resting: dict[str, float] = {}
        self._news = Event()
        #: The one thread that touches the file, so that a slow disk holds up nobody else.
        self._disk = ThreadPool(1)
        self._client = Client(endpoints, keys=keys)
        self._worker = Worker(
            endpoints,
            {REQUEST: self._accept, REPLY: self._reply, CLOSE: self._close},
            capacity=at_a_time,
            heartbeat_s=heartbeat_s,
            keys=keys,
        )
        self._dispatcher: gevent.Greenlet[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<Titanic {len(self._under_way)} under way, {self._worker!r}>"

    def start(self) -> None:
        """Take requests, and do those that were left when the last process ended."""
        self._worker.start()
        self._dispatcher = gevent.spawn(self._dispatch)

    def drain(self, timeout_s: float) -> bool:
        """Accept nothing more; tell whether what was asked of us was answered in time. Stored requests stay stored."""
        return self._worker.drain(timeout_s)

    def close(self) -> None:
        """Stop. Requests under way are done again by the next process."""
        if self._closed:
            return
        self._closed = True
        self._worker.close()
        if self._dispatcher is not None:
            self._dispatcher.kill()
        gevent.killall([doing.greenlet for doing in self._under_way.values()])
        self._client.close()
        self._disk.join()
        self._disk.kill()
        self._store.close()

    # The three services

    def _accept(self, body: list[bytes]) -> list[bytes]:
        if len(body) < 2 or not is_service_name(body[0]) or body[0].startswith((MMI, b"titanic.")):
            return [ERROR + b" [service, body...] is wanted"]
        try:
            if self._on_disk(self._store.count) >= self._limit:
                return [ERROR + b" too many requests are kept"]
            name = self._on_disk(self._store.add, body[0].decode(), body[1:], self._clock())
        except sqlite3.Error:
            log.exception("titanic: a request was not stored")
            return [ERROR + b" it could not be stored"]
        self._news.set()
        return [OK, name.encode()]

    def _reply(self, body: list[bytes]) -> list[bytes]:
        name = _request_id(body)
        if name is None:
            return [UNKNOWN]
        try:
            known, answer = self._on_disk(self._store.find, name)
        except sqlite3.Error:
            log.exception("titanic: the answer of %s was not read", name)
            return [ERROR + b" it could not be read"]
        if answer:
            return [OK, *answer]
        return [PENDING if known else UNKNOWN]

    def _close(self, body: list[bytes]) -> list[bytes]:
        name = _request_id(body)
        if name is not None:
            doing = self._under_way.get(name)
            if doing is not None:
                doing.greenlet.kill()
            try:
                self._on_disk(self._store.close_request, name)
            except sqlite3.Error:
                log.exception("titanic: %s was not forgotten", name)
                return [ERROR + b" it could not be forgotten"]
        return [OK]

    # Doing what was accepted

    def _dispatch(self) -> None:
        """Start what is pending, when something came, ended, or is to be tried again."""
        swept = 0.0
        while True:
            self._news.clear()
            try:
                if self._clock() - swept > 60:
                    swept = self._clock()
                    self._on_disk(self._store.drop_older, swept - self._keep_s)
                self._begin()
            except sqlite3.Error:
                log.exception("titanic: the file was not read")
            self._news.wait(self._retry_s)

    def _begin(self) -> None:
        """Give the room that there is to all services that may be there, those with the fewest under way first."""
        room = self._at_a_time - len(self._under_way)
        if room <= 0:
            return
        now = time.monotonic()
        self._resting = {service: until for service, until in self._resting.items() if until > now}
        busy = Counter(doing.service for doing in self._under_way.values())
        services = [service for service in self._on_disk(self._store.waiting) if service not in self._resting]
        services.sort(key=busy.__getitem__)
        for number, service in enumerate(services):
            share = -(-room // (len(services) - number))
            begun = [name for name, doing in self._under_way.items() if doing.service == service]
            for pending in self._on_disk(self._store.pending, service, share, begun):
                self._under_way[pending.id] = _Doing(service, gevent.spawn(self._do, pending))
                room -= 1
            if room <= 0:
                return

    def _do(self, pending: Pending) -> None:
        """Do one request and store its answer; if that fails it stays pending."""
        try:
            answer = self._ask(pending)
            if answer is None:
                self._rest(pending.service)
            else:
                self._on_disk(self._store.answer, pending.id, answer)
        except sqlite3.Error:
            log.exception("titanic: the answer of %s was not stored, it will be asked for again", pending.id)
            self._rest(pending.service)
        finally:
            # Only now: until its answer is stored, it would be found pending and done again.
            self._under_way.pop(pending.id, None)
            self._news.set()

    def _rest(self, service: str) -> None:
        self._resting[service] = time.monotonic() + self._retry_s

    def _ask(self, pending: Pending) -> list[bytes] | None:
        """Ask whether the service is there, then ask it (RFC 9); None when there was no answer."""
        try:
            if self._client.call("mmi.service", [pending.service.encode()], timeout_s=self._retry_s) != [OK]:
                return None
            return self._client.call(pending.service, pending.body, timeout_s=self._timeout_s)
        except ServiceFailed as exc:
            return [write_header(ErrorHeader(status=exc.status, error=exc.message, by="worker"))]
        except ActorkitError as exc:
            log.info("titanic: %s is tried again: %s", pending.id, exc)
            return None

    def _on_disk(self, work: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
        result: _T = self._disk.apply(work, args, options)
        return result


def _request_id(body: list[bytes]) -> str | None:
    """The id in a request's body; None for anything but 32 hexadecimal characters."""
    if len(body) != 1 or len(body[0]) != 32:
        return None
    try:
        int(body[0], 16)
    except ValueError:
        return None
    return body[0].decode().upper()
