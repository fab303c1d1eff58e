"""The broker's state machine: frames and a clock in, frames out. It opens no socket and asks no clock.

Every message to be sent is appended to `BrokerState.outgoing` as a list of frames, the receiver's routing id first. The
shell around it (broker.py) sends them, and reports those that cannot be delivered. Nothing that comes from the network
raises; what is wrong is counted in `counts.errors` by reason.

    requests → ClientRequests ┐                 ┌ ServiceTable   services by name
                              ├→ RequestQueues ─┤
    commands → WorkerCommands ┘                 ├ WorkerTable    workers by routing id, heartbeats
                                                └ ClientTable    clients by routing id, and what they have not read

Numbers in comments ("rule 9") are those of the checklist in docs/majordomo.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actorkit.mdp.broker.client_requests import MAX_WATCHERS, ClientRequests
from actorkit.mdp.broker.clients import ClientTable
from actorkit.mdp.broker.counts import Counts
from actorkit.mdp.broker.queues import RequestQueues
from actorkit.mdp.broker.services import ServiceTable
from actorkit.mdp.broker.worker_commands import CONNECTION_ENDED, WorkerCommands
from actorkit.mdp.broker.workers import WorkerTable
from actorkit.mdp.frames import EMPTY, MAX_FRAMES, V1, V2, Part, disconnect
from actorkit.mdp.options import BrokerParams

#: A draining broker ends when nobody has asked it for this time, in seconds.
QUIET_S: Final = 0.3

_CLIENT_1 = V1.client
_CLIENT_2 = V2.client
_CLIENT_2_REQUEST = V2.client_request[0]
_WORKER_1 = V1.worker
_WORKER_2 = V2.worker


class BrokerState:
    """Services, workers and requests of one broker, for one thread.

    Stop in three steps: `drain()` (take no new requests), wait for `is_idle()`, `shut_down()` (refuse what is left and
    disconnect the workers).
    """

    def __init__(self, params: BrokerParams, now: float, *, max_watchers: int = MAX_WATCHERS) -> None:
        self.params = params
        self.counts = Counts()
        self.outgoing: list[list[Part]] = []
        self.services = ServiceTable(params)
        self.workers = WorkerTable(params, now)
        self.clients = ClientTable(self.counts, self.outgoing, params.client_bytes_limit, now)
        self.queues = RequestQueues(params, self.counts, self.outgoing, self.clients)
        shared = (params, self.counts, self.outgoing, self.services)
        self._requests = ClientRequests(*shared, self.clients, self.queues, now, max_watchers=max_watchers)
        self._commands = WorkerCommands(*shared, self.workers, self.clients, self.queues)

    def __repr__(self) -> str:
        waiting = sum(len(service.queue) for service in self.services.all())
        return (
            f"<BrokerState {len(self.services)} services, {len(self.workers)} workers, {waiting} waiting"
            f"{', draining' if self.draining else ''}>"
        )

    @property
    def draining(self) -> bool:
        """Whether new requests are refused, because the broker is about to end."""
        return self._requests.draining

    # What comes in

    def receive(self, frames: list[Part], now: float) -> None:
        """Take one message as the ROUTER received it: the sender's routing id, then its frames."""
        count = len(frames)
        if 3 <= count <= MAX_FRAMES:
            second = frames[1]
            if second == EMPTY:
                if frames[2] == _WORKER_1 and count > 3:
                    self._commands.on_worker(V1, frames, 3, now)
                    return
                if frames[2] == _CLIENT_1 and count > 4:
                    self._requests.on_request(V1, frames, now)
                    return
            elif second == _WORKER_2:
                self._commands.on_worker(V2, frames, 2, now)
                return
            elif second == _CLIENT_2 and frames[2] == _CLIENT_2_REQUEST and count > 4:
                self._requests.on_request(V2, frames, now)
                return
        self._commands.drop_malformed(frames, "frames" if count <= MAX_FRAMES else "too_many_frames", now)

    def undeliverable(self, message: Sequence[Part], now: float, *, gone: bool) -> None:
        """Take back a message of `outgoing` that was not sent: its receiver is `gone`, or does not read.

        A worker that a message does not reach is given up long before it would expire: at once, or if it has a request,
        when what it sent before its end has been read, for the answer may lie there.
        """
        at = 3 if message[1] == EMPTY else 2
        if message[at - 1] not in (_WORKER_1, _WORKER_2):
            self.counts.errors["client_gone" if gone else "client_full"] += 1
            return
        worker = self.workers.get(message[0])
        if worker is not None:
            self.counts.errors["worker_gone" if gone else "worker_full"] += 1
            if message[at] == worker.dialect.request:
                self._commands.worker_lost(worker, now, begun=False, why=CONNECTION_ENDED)
            else:
                self._commands.unreachable(worker, now)

    def tick(self, now: float, *, inbox_empty: bool = True) -> None:
        """Send the heartbeats that are due, give up workers that are silent, expire requests. Call it often.

        `inbox_empty` tells whether all that had come was read at some time since the last call.
        """
        self._commands.lose_unreachable(now, inbox_empty=inbox_empty)
        self._commands.lose_silent(now)
        self.clients.tick(now)
        for service in self.services.all():
            if service.next_deadline <= now:
                self.queues.sweep(service, now)
                self.services.forget(service)

    # Stopping

    def drain(self, now: float) -> None:
        """Refuse new requests from now on, and tell those who asked; what is queued or being done goes on."""
        self._requests.drain(now)

    def is_idle(self) -> bool:
        """Whether no request waits or is being done."""
        return not any(service.queue or service.busy for service in self.services.all())

    def may_end(self, now: float) -> bool:
        """Whether it is idle and clients have heard that they must go elsewhere: none has asked for a while."""
        return self.is_idle() and now - self._requests.last_refused >= QUIET_S

    def shut_down(self) -> None:
        """Refuse every request that is left and disconnect every worker (rule 8)."""
        for worker in self.workers.values():
            if worker.request is not None:
                text = "the broker stopped before the answer"
                self.queues.refuse(worker.request, worker.service.name, 504, "draining", text)
            self.outgoing.append([worker.identity, *disconnect(worker.dialect)])
        self.workers.clear()
        for service in self.services.all():
            self.queues.refuse_all(service)
