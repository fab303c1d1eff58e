"""The broker's workers: who is registered, what they say, and what becomes of their requests when they go."""

from __future__ import annotations

from actorkit.mdp.broker.heartbeats import Heartbeats
from actorkit.mdp.broker.queues import Queues
from actorkit.mdp.broker.service import Request, Service, Worker
from actorkit.mdp.broker.slots import Process
from actorkit.mdp.frames import (
    EMPTY,
    MMI,
    V2,
    Dialect,
    Part,
    client_answer,
    disconnect,
    is_service_name,
    process_name,
)
from actorkit.mdp.options import BrokerParams

#: Most frames that a message may have.
MAX_FRAMES = 1024


class Workers(Queues):
    """The half of the broker's state that hears workers. Numbers ("rule 9") are those of docs/majordomo.md."""

    def __init__(self, params: BrokerParams, now: float) -> None:
        super().__init__(params)
        self.workers: dict[Part, Worker] = {}
        #: Worker processes with several places, by name.
        self.processes: dict[bytes, Process] = {}
        self._heartbeats = Heartbeats(params.heartbeat_s, params.expiry_s, now)

    def _hear(self, dialect: Dialect, frames: list[Part], at: int, now: float) -> None:
        """Take a worker's message; its command is `frames[at]`."""
        worker = self.workers.get(frames[0])
        if worker is None:
            self._on_unregistered(dialect, frames, at, now)
            return
        worker.last_seen = now  # rule 13
        command = frames[at]
        count = len(frames)
        if worker.dialect is not dialect:
            self._protocol_error(worker, "dialect", now)
        elif command == dialect.final and count > at + 3 and frames[at + 2] == EMPTY:
            self._reply(worker, frames, at, now)
        elif command == dialect.heartbeat and count == at + 1:
            pass
        elif command == dialect.partial and count > at + 3 and frames[at + 2] == EMPTY:
            self._partial(worker, frames, at, now)
        elif command == dialect.disconnect and count == at + 1:
            # Rule 7. Our own workers say so only when they have not begun what they may just have been sent.
            self._worker_lost(worker, now, begun=not worker.ours, why="its worker disconnected")
        elif command == dialect.ready:
            self._protocol_error(worker, "second_ready", now)  # rules 9, 16
        else:
            self._protocol_error(worker, "unexpected" if command == dialect.request else "command", now)  # rules 9, 10

    def _reply(self, worker: Worker, frames: list[Part], at: int, now: float) -> None:
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
        self.outgoing.append([request.client, *client_answer(worker.service.name, body, request.dialect)])
        self.counts.observe(now - request.arrived)
        self.next_for(worker, now)

    def next_for(self, worker: Worker, now: float) -> None:
        """Give a worker that has answered the request that waits for longest, or let it be idle."""
        service = worker.service
        while service.queue:
            request = self._take(service)
            if request.deadline > now:
                self._give(worker, request, now)
                return
            self.expire(service, request)
        worker.request = None
        service.busy -= 1
        service.mark_idle(worker)

    def _partial(self, worker: Worker, frames: list[Part], at: int, now: float) -> None:
        """Pass a part of an answer on (rules 25, 26); a 0.1 client gets all parts in its one reply."""
        request = worker.request
        if request is None or frames[at + 1] != request.client:
            self._protocol_error(worker, "unexpected" if request is None else "wrong_client", now)
            return
        if request.dialect is V2:
            request.streamed = True
            answer = client_answer(worker.service.name, frames[at + 3 :], V2, final=False)
            self.outgoing.append([request.client, *answer])
            return
        request.parts = [*(request.parts or ()), *frames[at + 3 :]]
        if len(request.parts) > MAX_FRAMES or sum(map(len, request.parts)) > self.params.max_body_bytes:
            request.attempts = self.params.max_deliveries
            self._protocol_error(worker, "too_large", now)

    def _on_unregistered(self, dialect: Dialect, frames: list[Part], at: int, now: float) -> None:
        """Take a worker's message from a peer that is not registered."""
        command = frames[at]
        count = len(frames)
        identity = frames[0]
        if command == dialect.ready and count == at + 2:
            name = frames[at + 1]
            if not is_service_name(name):
                self.counts.errors["service_name"] += 1
                return
            service = None if name.startswith(MMI) else self._get_or_create(name)
            if service is None:
                # Rule 22, or no room for another service.
                self.counts.errors["mmi_worker" if name.startswith(MMI) else "too_many_services"] += 1
                self.outgoing.append([identity, *disconnect(dialect)])
                return
            self._register(identity, dialect, service, now)
        elif command == dialect.disconnect and count == at + 1:
            return  # rule 7: also before READY
        elif (command == dialect.heartbeat and count == at + 1) or (
            command in (dialect.request, dialect.final, dialect.partial) and count > at + 3
        ):
            self.counts.errors["unexpected"] += 1
            self.outgoing.append([identity, *disconnect(dialect)])  # rule 9
        else:
            self.counts.errors["command"] += 1  # rule 10

    def _register(self, identity: Part, dialect: Dialect, service: Service, now: float) -> None:
        """Add a worker (rule 6: without a response) and give it a request that waits."""
        worker = Worker(identity, dialect, service, now)
        self.workers[identity] = worker
        service.workers += 1
        self._heartbeats.watch(worker, now)
        name = process_name(identity)
        if name is None:
            service.idle.append(worker)
        else:
            process = self.processes.get(name)
            if process is None:
                process = self.processes[name] = Process(name)
            worker.places = service.places_of(process)
            worker.places.join(worker)
        self._dispatch(service, now)

    def _protocol_error(self, worker: Worker, reason: str, now: float) -> None:
        """Disconnect a worker that broke the protocol (rules 9, 10); its request goes to another."""
        self.counts.errors[reason] += 1
        self.outgoing.append([worker.identity, *disconnect(worker.dialect)])
        self._worker_lost(worker, now, begun=True, why="its worker broke the protocol")

    def _worker_lost(self, worker: Worker, now: float, *, begun: bool, why: str) -> None:
        """Forget a worker; its request, if any, is done again by another (rule 15)."""
        request = self._remove(worker)
        if request is not None:
            self._again(worker.service, request, now, begun=begun, why=why)
        self._forget(worker.service)

    def _lose_silent(self, now: float) -> None:
        """Send the heartbeats that are due; forget the workers that are silent, all before any request is given on."""
        lost = [(worker, self._remove(worker)) for worker in self._heartbeats.due(now, self.outgoing)]
        for worker, request in lost:
            self.counts.errors["worker_expired"] += 1
            if request is not None:
                self._again(worker.service, request, now, begun=True, why="its worker fell silent")
        for worker, _ in lost:  # not before: a service without workers may still get a request of theirs
            self._forget(worker.service)

    def _remove(self, worker: Worker) -> Request | None:
        """Take a worker off the books; return the request that it had."""
        service = worker.service
        worker.gone = True
        del self.workers[worker.identity]
        service.workers -= 1
        request = worker.request
        if request is not None:
            worker.request = None
            service.busy -= 1
        if worker.places is not None:
            worker.places.leave(worker, busy=request is not None)
            if not worker.places.process.places:
                del self.processes[worker.places.process.name]
        elif request is None:
            service.drop_stale()
        return request

    def _junk(self, frames: list[Part], reason: str, now: float) -> None:
        """Drop what is no message of the protocol; a registered worker that sends it is disconnected (rule 10)."""
        worker = self.workers.get(frames[0]) if frames else None
        if worker is not None:
            self._protocol_error(worker, reason, now)
        else:
            self.counts.errors[reason] += 1
