"""What workers say to a broker, rule by rule. Numbers ("rule 9") are those of docs/majordomo.md."""

from __future__ import annotations

from typing import Final

from actorkit.mdp.broker.clients import ClientTable
from actorkit.mdp.broker.counts import Counts
from actorkit.mdp.broker.queues import RequestQueues
from actorkit.mdp.broker.service import Worker
from actorkit.mdp.broker.services import ServiceTable
from actorkit.mdp.broker.workers import WorkerTable
from actorkit.mdp.frames import (
    EMPTY,
    MAX_FRAMES,
    MMI,
    V2,
    Dialect,
    Part,
    disconnect,
    is_service_name,
)
from actorkit.mdp.options import BrokerParams

#: Why a request is given to another worker: the one that had it cannot be reached any more.
CONNECTION_ENDED: Final = "its worker's connection ended"

#: A worker whose connection has ended is given up after so many ticks, though the broker always has something to read.
MAX_UNREACHABLE_TICKS: Final = 20


class WorkerCommands:
    """Takes the commands of workers, and does what follows when a worker is lost.

    docs/majordomo.md has the table of it: the state of a worker, what it says, what the broker does.
    """

    def __init__(
        self,
        params: BrokerParams,
        counts: Counts,
        outgoing: list[list[Part]],
        services: ServiceTable,
        workers: WorkerTable,
        clients: ClientTable,
        queues: RequestQueues,
    ) -> None:
        self._params = params
        self._counts = counts
        self._outgoing = outgoing
        self._services = services
        self._workers = workers
        self._clients = clients
        self._queues = queues
        #: Busy workers whose connection has ended, and how many ticks ago that was noticed.
        self._unreachable: dict[Worker, int] = {}

    def __repr__(self) -> str:
        return f"<WorkerCommands of {self._workers!r}>"

    def on_worker(self, dialect: Dialect, frames: list[Part], at: int, now: float) -> None:
        """Take a worker's message; its command is `frames[at]`."""
        worker = self._workers.by_identity.get(frames[0])
        if worker is None:
            self._on_unregistered(dialect, frames, at, now)
            return
        worker.last_seen = now  # rule 13
        command = frames[at]
        count = len(frames)
        if worker.dialect is not dialect:
            self._protocol_error(worker, "dialect", now)
        elif command == dialect.final and count > at + 3 and frames[at + 2] == EMPTY:
            self._on_reply(worker, frames, at, now)
        elif command == dialect.heartbeat and count == at + 1:
            pass
        elif command == dialect.partial and count > at + 3 and frames[at + 2] == EMPTY:
            self._on_partial(worker, frames, at, now)
        elif command == dialect.disconnect and count == at + 1:
            # Rule 7. Our own workers say so only when they have not begun what they may just have been sent.
            self.worker_lost(worker, now, begun=not worker.is_ours, why="its worker disconnected")
        elif command == dialect.ready:
            self._protocol_error(worker, "second_ready", now)  # rules 9, 16
        else:
            self._protocol_error(worker, "unexpected" if command == dialect.request else "command", now)  # rules 9, 10

    def worker_lost(self, worker: Worker, now: float, *, begun: bool, why: str) -> None:
        """Forget a worker; its request, if any, is done again by another (rule 15)."""
        request = self._workers.remove(worker)
        if request is not None:
            self._queues.requeue(worker.service, request, now, begun=begun, why=why)
        self._services.forget(worker.service)

    def unreachable(self, worker: Worker, now: float) -> None:
        """Give up a worker whose connection has ended; a busy one when what it sent before has been read.

        A worker that is told to end sends its answer, says goodbye and closes. A broker that stood still meanwhile
        finds the end of the connection first, when a heartbeat is due, and the answer behind it.
        """
        if worker.request is None:
            self.worker_lost(worker, now, begun=True, why=CONNECTION_ENDED)
        else:
            self._unreachable.setdefault(worker, 0)

    def lose_unreachable(self, now: float, *, inbox_empty: bool) -> None:
        """Forget the workers whose connection has ended, if all that they sent has been read by now."""
        for worker in list(self._unreachable):
            self._unreachable[worker] += 1
            if worker.gone:
                del self._unreachable[worker]
            elif inbox_empty or self._unreachable[worker] > MAX_UNREACHABLE_TICKS:
                del self._unreachable[worker]
                self.worker_lost(worker, now, begun=True, why=CONNECTION_ENDED)

    def lose_silent(self, now: float) -> None:
        """Send the heartbeats that are due; forget the workers that are silent, all before any request is given on."""
        lost = self._workers.take_silent(now, self._outgoing)
        for worker, request in lost:
            self._counts.errors["worker_expired"] += 1
            if request is not None:
                self._queues.requeue(worker.service, request, now, begun=True, why="its worker fell silent")
        for worker, _ in lost:  # not before: a service without workers may still get a request of theirs
            self._services.forget(worker.service)

    def drop_malformed(self, frames: list[Part], reason: str, now: float) -> None:
        """Drop what is no message of the protocol; a registered worker that sends it is disconnected (rule 10)."""
        worker = self._workers.by_identity.get(frames[0]) if frames else None
        if worker is not None:
            self._protocol_error(worker, reason, now)
        else:
            self._counts.errors[reason] += 1

    def _on_reply(self, worker: Worker, frames: list[Part], at: int, now: float) -> None:
        """Pass a worker's answer on, and give the worker the next request."""
        request = worker.request
        if request is None or frames[at + 1] != request.client:
            # Rule 9, and: a worker can only answer the client whose request it holds.
            self._protocol_error(worker, "unexpected" if request is None else "wrong_client", now)
            return
        body = frames[at + 3 :]
        if request.parts is not None:
            request.parts += body
            body = request.parts
        self._clients.answer(request, worker.service.name, body)
        self._counts.observe(now - request.arrived)
        self._queues.assign_next(worker, now)

    def _on_partial(self, worker: Worker, frames: list[Part], at: int, now: float) -> None:
        """Pass a part of an answer on (rules 25, 26); a 0.1 client gets all parts in its one reply."""
        request = worker.request
        if request is None or frames[at + 1] != request.client:
            self._protocol_error(worker, "unexpected" if request is None else "wrong_client", now)
            return
        if request.dialect is V2:
            request.streamed = True
            self._clients.answer(request, worker.service.name, frames[at + 3 :], final=False)
            return
        request.parts = [*(request.parts or ()), *frames[at + 3 :]]
        if len(request.parts) > MAX_FRAMES or sum(map(len, request.parts)) > self._params.max_body_bytes:
            request.attempts = self._params.max_deliveries  # another worker would answer as much
            self._protocol_error(worker, "too_large", now)

    def _on_unregistered(self, dialect: Dialect, frames: list[Part], at: int, now: float) -> None:
        """Take a worker's message from a peer that is not registered."""
        command = frames[at]
        count = len(frames)
        identity = frames[0]
        if command == dialect.ready and count == at + 2:
            self._on_ready(identity, dialect, frames[at + 1], now)
        elif command == dialect.disconnect and count == at + 1:
            return  # rule 7: also before READY
        elif (command == dialect.heartbeat and count == at + 1) or (
            command in (dialect.request, dialect.final, dialect.partial) and count > at + 3
        ):
            self._counts.errors["unexpected"] += 1
            self._outgoing.append([identity, *disconnect(dialect)])  # rule 9
        else:
            self._counts.errors["command"] += 1  # rule 10

    def _on_ready(self, identity: Part, dialect: Dialect, name: Part, now: float) -> None:
        """Register a worker, and give it a request that waits."""
        if not is_service_name(name):
            self._counts.errors["service_name"] += 1
            return
        if name.startswith(MMI):
            self._counts.errors["mmi_worker"] += 1
            self._outgoing.append([identity, *disconnect(dialect)])  # rule 22
            return
        service = self._services.for_worker(name)
        self._workers.register(identity, dialect, service, now)
        self._queues.dispatch(service, now)

    def _protocol_error(self, worker: Worker, reason: str, now: float) -> None:
        """Disconnect a worker that broke the protocol (rules 9, 10); its request goes to another."""
        self._counts.errors[reason] += 1
        self._outgoing.append([worker.identity, *disconnect(worker.dialect)])
        self.worker_lost(worker, now, begun=True, why="its worker broke the protocol")
