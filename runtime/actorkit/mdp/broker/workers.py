"""The workers that are registered at a broker, by routing id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actorkit.mdp.broker import slots
from actorkit.mdp.broker.heartbeats import Heartbeats
from actorkit.mdp.broker.request import Request
from actorkit.mdp.broker.service import Process, Service, Worker
from actorkit.mdp.frames import Dialect, Part, process_name
from actorkit.mdp.options import BrokerParams


class WorkerTable(Mapping[Part, Worker]):
    """Who is registered, which of them share a process, and who has fallen silent.

    `by_identity` is for the loop; nobody else changes it.
    """

    def __init__(self, params: BrokerParams, now: float) -> None:
        self.by_identity: dict[Part, Worker] = {}
        #: Worker processes with several slots, by name.
        self.processes: dict[bytes, Process] = {}
        self._heartbeats = Heartbeats(params.heartbeat_s, params.expiry_s, now)

    def __repr__(self) -> str:
        return f"<WorkerTable of {len(self.by_identity)} workers, {len(self.processes)} processes with several slots>"

    def __getitem__(self, identity: Part) -> Worker:
        return self.by_identity[identity]

    def __iter__(self) -> Iterator[Part]:
        return iter(self.by_identity)

    def __len__(self) -> int:
        return len(self.by_identity)

    def register(self, identity: Part, dialect: Dialect, service: Service, now: float) -> None:
        """Add a worker, which is idle (rule 6: without a response)."""
        worker = self.by_identity[identity] = Worker(identity, dialect, service, now)
        self._heartbeats.watch(worker, now)
        name = process_name(identity)
        process = None
        if name is not None:
            process = self.processes.get(name)
            if process is None:
                process = self.processes[name] = slots.Process(name)
        service.add(worker, process)

    def remove(self, worker: Worker) -> Request | None:
        """Take a worker off the books; returns the request that it had."""
        worker.gone = True
        del self.by_identity[worker.identity]
        request, worker.request = worker.request, None
        worker.service.remove(worker, busy=request is not None)
        if worker.slots is not None and not worker.slots.process.services:
            del self.processes[worker.slots.process.name]
        return request

    def take_silent(self, now: float, outgoing: list[list[Part]]) -> list[tuple[Worker, Request | None]]:
        """Remove the workers that are dead, each with the request that it had; append the heartbeats that are due."""
        return [(worker, self.remove(worker)) for worker in self._heartbeats.due(now, outgoing)]

    def clear(self) -> None:
        """Forget everybody."""
        for worker in list(self.by_identity.values()):
            self.remove(worker)
