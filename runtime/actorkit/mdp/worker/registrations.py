"""A worker's registrations: the sockets, in a native thread that a busy handler cannot keep from its heartbeats."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import zmq
from zmq.backend import Socket

from actorkit.mdp.frames import OUR_WORKER, Part, new_process_name
from actorkit.mdp.worker import capacity
from actorkit.mdp.worker.session import WorkerSession
from actorkit.mdp.worker.wakeup import WakeUp
from actorkit.transport.curve import present_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ClientKeys
from actorkit.transport.socket import receive

log = logging.getLogger(__name__)

_NOBLOCK = int(zmq.NOBLOCK)
_SEND_MORE = int(zmq.SNDMORE | zmq.NOBLOCK)

#: First pause before a registration that ended at once is tried again, in seconds; it doubles up to a heartbeat.
FIRST_PAUSE_S: Final = 0.05

#: How long a goodbye may take to leave, in milliseconds.
LINGER_MS: Final = 1000

#: Shortest time between two looks at where slots are missing, and what is added for each registration, in seconds.
REBALANCE_S: Final = (0.005, 0.00001)

#: A request for the handler: where it came from, in which session, and its body.
Job = tuple["Registration", WorkerSession, list[bytes]]


class Registration:
    """One slot at one broker: a service, one request at a time. It outlives its sessions."""

    def __init__(self, address: str, service: bytes) -> None:
        self.address = address
        self.service = service
        self.listed = True
        #: Given up, to be opened for another service or broker.
        self.leaving = False
        #: Since when it has no request; None while it has one.
        self.idle_since: float | None = 0.0
        self.session: WorkerSession | None = None
        self.socket: Socket | None = None
        self.opened = 0.0
        self.reopen_at = 0.0
        self.pause_s = 0.0

    def __repr__(self) -> str:
        return f"<Registration at {self.address}: {self.session!r}>"


class Registrations:
    """Keeps `capacity` registrations, shared out over all services and broker addresses (capacity.py).

    `run()` is the native thread and the only one that touches sockets. Other threads call `want`, `answer`, `drain` and
    `stop`, which leave word and wake it (`wakeup.py`). `deliver` is called in the native thread with each request;
    `changed` when the last registration has gone while draining.
    """

    def __init__(
        self,
        services: Sequence[str],
        *,
        capacity: int,
        heartbeat_s: float,
        liveness: int,
        keys: ClientKeys | None,
        deliver: Callable[[Job], None],
        changed: Callable[[], None],
    ) -> None:
        self.late_answers = 0
        self.registrations: list[Registration] = []
        self.drained = False
        self._services = [service.encode() for service in services]
        self._capacity = capacity
        self._heartbeat_s = heartbeat_s
        self._liveness = liveness
        self._keys = keys
        self._deliver = deliver
        self._changed = changed
        # Says which registrations share a process, so that brokers choose the process that is least busy.
        self._name = new_process_name() if capacity * len(services) > 1 else OUR_WORKER
        self._wanted: set[str] = set()
        self._matched: set[str] = set()
        self._look = False
        self._look_at = 0.0
        self._answers: deque[tuple[Registration, WorkerSession, list[bytes]]] = deque()
        self._draining = False
        self._stopping = False
        self._wakeup = WakeUp()
        self._poller = zmq.Poller()
        self._poller.register(self._wakeup.fileno(), zmq.POLLIN)
        self._by_socket: dict[Socket, Registration] = {}
        self._context: zmq.Context[Any] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 65_535)

    # From any thread

    def want(self, addresses: set[str]) -> None:
        """Say which brokers there are."""
        if addresses != self._wanted:
            self._wanted = addresses
            self._wakeup.wake()

    def answer(self, registration: Registration, session: WorkerSession, body: list[bytes]) -> None:
        """Send the answer to a request; dropped if its session has ended."""
        self._answers.append((registration, session, body))
        self._wakeup.wake()

    def drain(self) -> None:
        """Disconnect what is idle now and the rest after its answer; register nothing more."""
        self._draining = True
        self._wakeup.wake()

    def stop(self) -> None:
        """End `run()` without a word to brokers; they hear it from the closed connections."""
        self._stopping = True
        self._wakeup.wake()

    def close(self) -> None:
        """Free what is left when `run()` has returned, or was never called."""
        self._wakeup.close()
        self._context.term()

    # The native thread

    def run(self) -> None:
        """Work until `stop()`."""
        tick_s = min(self._heartbeat_s / 4, 0.25)
        due = 0.0
        try:
            while not self._stopping:
                now = time.monotonic()
                if now >= due:
                    self._tick(now)
                    due = now + tick_s
                if self._look and now >= self._look_at:
                    self._move(now)
                self._poll_once(max(0.0, (min(due, self._look_at) if self._look else due) - now))
        finally:
            for registration in self.registrations:
                if registration.socket is not None:
                    registration.socket.close(0)
                    registration.socket = registration.session = None

    def _poll_once(self, timeout_s: float) -> None:
        """Wait for sockets or a wake-up; take what came, then send the answers that were left meanwhile."""
        for ready, _ in self._poller.poll(int(timeout_s * 1000) + 1):
            if isinstance(ready, Socket):
                registration = self._by_socket.get(ready)
                if registration is not None:  # else it was closed after a wake-up
                    self._read(registration)
            else:
                self._read_wakeups()
        now = time.monotonic()
        answers = self._answers
        while answers:
            registration, session, body = answers.popleft()
            if session.ended or registration.session is not session:
                self.late_answers += 1
                continue
            registration.idle_since = now
            self._send(registration, session.answer(body, now))
            self._settle(registration, now)

    def _read_wakeups(self) -> None:
        self._wakeup.clear()
        now = time.monotonic()
        self._match(now)
        if self._draining:
            self._drain(now)

    def _match(self, now: float) -> None:
        """Take up which brokers are listed; registrations at others are forgotten once they have ended."""
        wanted = set() if self._draining else self._wanted
        if wanted == self._matched:
            return
        self._matched = wanted
        for registration in self.registrations:
            registration.listed = registration.address in wanted
        self._share_out(now)

    def _share_out(self, now: float) -> None:
        """Give every service at every broker an even share of the slots."""
        pairs, _ = self._by_pair()
        for registration in capacity.to_close(pairs, self._capacity):
            self._leave(registration, now)
        pairs, others = self._by_pair()
        held = {pair: len(registrations) for pair, registrations in pairs.items()}
        for address, service in capacity.to_open(held, sum(map(len, others)), self._capacity):
            self._add(address, service, now)

    def _move(self, now: float) -> None:
        """Open registrations at brokers where every one has a request, in the place of idle ones at other brokers.
        After a move, look again soon."""
        pairs, others = self._by_pair()
        moves = capacity.to_move(pairs, others, now)
        for registration, (address, service) in moves:
            if self._leave(registration, now):
                self._add(address, service, now)
        first_s, each_s = REBALANCE_S
        self._look = bool(moves)
        self._look_at = now + first_s + each_s * len(self.registrations)

    def _by_pair(self) -> tuple[dict[capacity.Pair, list[Registration]], list[list[Registration]]]:
        """The registrations by address and service: those at brokers and for services that this worker shall have, and
        those that it shall have no more."""
        listed: dict[capacity.Pair, list[Registration]] = {
            (address, service): [] for address in sorted(self._matched) for service in self._services
        }
        others: dict[capacity.Pair, list[Registration]] = {}
        for registration in self.registrations:
            pair = (registration.address, registration.service)
            (listed[pair] if pair in listed else others.setdefault(pair, [])).append(registration)
        return listed, list(others.values())

    def _add(self, address: str, service: bytes, now: float) -> None:
        registration = Registration(address, service)
        self.registrations.append(registration)
        self._open(registration, now)

    def _leave(self, registration: Registration, now: float) -> bool:
        """Disconnect a registration for good, if it is idle still."""
        self._read(registration)
        if registration.idle_since is None:
            return False
        registration.leaving = True
        if registration.session is None:
            self.registrations.remove(registration)
        else:
            self._send(registration, registration.session.drain())
            self._settle(registration, now)
        return True

    def _tick(self, now: float) -> None:
        self._look = len(self._matched) * len(self._services) > 1
        before = len(self.registrations)
        for registration in list(self.registrations):
            if registration.session is not None:
                if registration.socket is not None:
                    self._read(registration)  # what came while this thread could not run counts
                if registration.session is not None:
                    self._send(registration, registration.session.tick(now))
                    self._settle(registration, now)
            elif not registration.listed:
                self.registrations.remove(registration)
            elif now >= registration.reopen_at:
                self._open(registration, now)
        most = capacity.limit(self._capacity, len(self._matched) * len(self._services))
        if len(self.registrations) < before or len(self.registrations) > most:
            self._share_out(now)

    def _read(self, registration: Registration) -> None:
        socket, session = registration.socket, registration.session
        if socket is None or session is None:
            return
        now = time.monotonic()
        while not session.ended and (frames := receive(socket)) is not None:
            body = session.on_message(frames, now)
            if body is not None:
                registration.idle_since = None
                self._look = self._look or len(self._matched) * len(self._services) > 1
                self._deliver((registration, session, body))
        self._send(registration, session.tick(now))
        self._settle(registration, now)

    def _drain(self, now: float) -> None:
        for registration in list(self.registrations):
            self._read(registration)  # what has come already is done; not every broker would give it to another
            if registration.session is not None:
                self._send(registration, registration.session.drain())
                self._settle(registration, now)
        self._report_drained()

    def _report_drained(self) -> None:
        if self._draining and not self.drained:
            self.drained = all(registration.session is None for registration in self.registrations)
            if self.drained:
                self._changed()

    def _open(self, registration: Registration, now: float) -> None:
        """Begin a session on a new socket."""
        session = WorkerSession(registration.service, self._heartbeat_s, self._liveness, now, self._name)
        socket = Socket(self._context, zmq.DEALER)
        socket.set(zmq.ROUTING_ID, session.identity)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RECONNECT_IVL, 50)
        socket.set(zmq.RECONNECT_IVL_MAX, 500)
        socket.set(zmq.IPV6, int(Endpoint.parse(registration.address).is_ipv6))
        present_keys(socket, self._keys)
        socket.connect(registration.address)
        registration.session = session
        registration.socket = socket
        registration.opened = registration.idle_since = now
        self._by_socket[socket] = registration
        self._poller.register(socket, zmq.POLLIN)
        self._send(registration, session.begin())

    def _settle(self, registration: Registration, now: float) -> None:
        """Close the socket of a session that has ended, and say when the next begins."""
        session, socket = registration.session, registration.socket
        if session is None or socket is None or not session.ended:
            return
        self._poller.unregister(socket)
        del self._by_socket[socket]
        socket.close(LINGER_MS if self._draining or registration.leaving else 0)
        registration.session = registration.socket = None
        if registration.leaving:
            self.registrations.remove(registration)
            return
        if now - registration.opened > self._heartbeat_s:
            registration.pause_s = 0.0
        registration.reopen_at = now + registration.pause_s
        registration.pause_s = min(self._heartbeat_s, max(FIRST_PAUSE_S, 2 * registration.pause_s))
        if self._draining:
            self._report_drained()
        elif session.has_broker:
            log.info("mdp worker: %s at %s: %s", session.service.decode(), registration.address, session.why)
        if not self._draining and registration.listed and registration.reopen_at <= now:
            self._open(registration, now)

    def _send(self, registration: Registration, messages: list[list[Part]]) -> None:
        socket = registration.socket
        if socket is None:
            return
        try:
            for message in messages:
                for part in message[:-1]:
                    socket.send(part, _SEND_MORE)
                socket.send(message[-1], _NOBLOCK)
        except zmq.Again:
            # A thousand messages wait for a broker that does not read: it will be found silent.
            log.debug("mdp worker: nothing leaves for %s", registration.address)
