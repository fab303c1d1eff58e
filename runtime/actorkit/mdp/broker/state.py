"""The broker's state machine: frames and a clock in, frames out. It opens no socket and asks no clock.

Every message to be sent is appended to `BrokerState.outgoing` as a list of frames, the receiver's routing id first. The
shell around it (broker.py) sends them, and reports those that cannot be delivered. Nothing that comes from the network
raises; what is wrong is counted in `counts.errors` by reason.

Numbers in comments ("rule 9") are those of the checklist in docs/majordomo.md.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from actorkit.mdp.broker import mmi
from actorkit.mdp.broker.service import Request, Service
from actorkit.mdp.broker.workers import MAX_FRAMES, Workers
from actorkit.mdp.errors import FrameError
from actorkit.mdp.frames import (
    DRAINING,
    EMPTY,
    EXTENSION,
    MMI,
    V1,
    V2,
    Dialect,
    Part,
    client_answer,
    disconnect,
    is_service_name,
    read_request_header,
)
from actorkit.mdp.options import BrokerParams

#: A draining broker ends when nobody has asked it for this time, in seconds.
QUIET_S = 0.3

#: Most clients that are told when the broker begins to drain; when more ask, those that asked first are forgotten.
MAX_WATCHERS = 20_000

_CLIENT_1 = V1.client
_CLIENT_2 = V2.client
_CLIENT_2_REQUEST = V2.client_request[0]
_WORKER_1 = V1.worker
_WORKER_2 = V2.worker


class BrokerState(Workers):
    """Services, workers and requests of one broker, for one thread.

    Stop in three steps: `drain()` (take no new requests), wait for `is_idle()`, `shut_down()` (refuse what is left and
    disconnect the workers).
    """

    def __init__(self, params: BrokerParams, now: float) -> None:
        super().__init__(params, now)
        self.draining = False
        self._last_refused = now
        #: Clients that asked to be told when it drains, and in which dialect.
        self._watchers: OrderedDict[Part, Dialect] = OrderedDict()

    def __repr__(self) -> str:
        waiting = sum(len(service.queue) for service in self.services.values())
        return (
            f"<BrokerState {len(self.services)} services, {len(self.workers)} workers, {waiting} waiting"
            f"{', draining' if self.draining else ''}>"
        )

    # What comes in

    def receive(self, frames: list[Part], now: float) -> None:
        """Take one message as the ROUTER received it: the sender's routing id, then its frames."""
        count = len(frames)
        if 3 <= count <= MAX_FRAMES:
            second = frames[1]
            if second == EMPTY:
                if frames[2] == _WORKER_1 and count > 3:
                    self._hear(V1, frames, 3, now)
                    return
                if frames[2] == _CLIENT_1 and count > 4:
                    self._request(V1, frames, now)
                    return
            elif second == _WORKER_2:
                self._hear(V2, frames, 2, now)
                return
            elif second == _CLIENT_2 and frames[2] == _CLIENT_2_REQUEST and count > 4:
                self._request(V2, frames, now)
                return
        self._junk(frames, "frames" if count <= MAX_FRAMES else "too_many_frames", now)

    def undeliverable(self, message: Sequence[Part], now: float, *, gone: bool) -> None:
        """Hear that a message of `outgoing` was not sent: its receiver is `gone`, or does not read.

        A worker that a message does not reach is given up at once, long before it would expire.
        """
        at = 3 if message[1] == EMPTY else 2
        if message[at - 1] not in (_WORKER_1, _WORKER_2):
            self.counts.errors["client_gone" if gone else "client_full"] += 1
            return
        worker = self.workers.get(message[0])
        if worker is not None:
            self.counts.errors["worker_gone" if gone else "worker_full"] += 1
            begun = message[at] != worker.dialect.request
            self._worker_lost(worker, now, begun=begun, why="its worker's connection ended")

    def tick(self, now: float) -> None:
        """Send the heartbeats that are due, give up workers that are silent, expire requests. Call it often."""
        self._lose_silent(now)
        for service in list(self.services.values()):
            if service.next_deadline <= now:
                for request in service.take_expired(now):
                    self.queued_bytes -= request.size_bytes
                    self.expire(service, request)
                self._forget(service)

    # Stopping

    def drain(self, now: float) -> None:
        """Refuse new requests from now on, and tell those who asked; what is queued or being done goes on."""
        self.draining = True
        self._last_refused = now
        for client, dialect in self._watchers.items():
            self.outgoing.append([client, *client_answer(DRAINING, [b"200"], dialect)])
        self._watchers.clear()

    def is_idle(self) -> bool:
        """Tell whether no request waits or is being done."""
        return not any(service.queue or service.busy for service in self.services.values())

    def may_end(self, now: float) -> bool:
        """Tell whether it is idle and clients have heard that they must go elsewhere: none has asked for a while."""
        return self.is_idle() and now - self._last_refused >= QUIET_S

    def shut_down(self) -> None:
        """Refuse every request that is left and disconnect every worker (rule 8)."""
        for worker in list(self.workers.values()):
            if worker.request is not None:
                self._refuse(
                    worker.request, worker.service.name, 504, "draining", "the broker stopped before the answer"
                )
            self.outgoing.append([worker.identity, *disconnect(worker.dialect)])
            worker.gone = True
        for service in self.services.values():
            for request in service.queue:
                self._refuse(request, service.name, 503, "draining", "the broker stopped before a worker was free")
            service.queue.clear()
            service.workers = service.busy = 0
            service.crowd = None
        self.workers.clear()
        self.processes.clear()
        self.queued_bytes = 0

    # Clients

    def _request(self, dialect: Dialect, frames: list[Part], now: float) -> None:
        """Take a REQUEST: `frames` is [client, two frames of the dialect, service, body…]."""
        name = frames[3]
        body = frames[4:]
        service = self.services.get(name)
        deadline = 0.0
        noted = False
        first = body[0]
        if isinstance(first, bytes) and first.startswith(EXTENSION):
            try:
                note = read_request_header(first)
            except FrameError:
                self.counts.errors["note"] += 1
                return
            noted = True
            del body[0]
            if note.ms > 0:
                deadline = now + note.ms / 1000
        request = Request(frames[0], dialect, body, now, deadline, noted)
        self.counts.requests += 1
        size = 0
        for part in body:
            size += len(part)
        if service is None or size > self.params.max_body_bytes or self.draining or not body:
            service = self._check(request, name, size)
            if service is None:
                return
        if not deadline:
            request.deadline = now + service.request_timeout_s
        worker = service.next_idle()
        if worker is not None:
            service.busy += 1
            self._give(worker, request, now)
            return
        queue = service.queue
        if len(queue) >= service.queue_limit:
            self._refuse(request, service.name, 503, "queue_full", f'{len(queue)} requests wait for "{service.label}"')
            self._forget(service)
            return
        if self.queued_bytes + size > self.params.queue_bytes_limit:
            self._refuse(request, service.name, 503, "queue_bytes", f"{self.queued_bytes} bytes wait at the broker")
            self._forget(service)
            return
        request.size_bytes = size
        self.queued_bytes += size
        queue.append(request)
        if request.deadline < service.next_deadline:
            service.next_deadline = request.deadline

    def _check(self, request: Request, name: Part, size: int) -> Service | None:
        """Look at a request that is not an ordinary one for a known service; None when it is answered or refused."""
        if not request.body:
            self._refuse(request, name, 400, "no_body", "the request has no body")
        elif not is_service_name(name):
            self._refuse(request, name, 400, "service_name", "a service is named by 1 to 255 bytes of printable UTF-8")
        elif name == DRAINING and not self.draining:
            self.counts.mmi += 1
            self._watchers[request.client] = request.dialect
            if len(self._watchers) > MAX_WATCHERS:
                self._watchers.popitem(last=False)
        elif name.startswith(MMI):
            self.counts.mmi += 1
            answer = mmi.answer(self.services, name, request.body[0], request.arrived)
            self.outgoing.append([request.client, *client_answer(name, answer, request.dialect)])
        elif size > self.params.max_body_bytes:
            limit = self.params.max_body_bytes
            self._refuse(request, name, 413, "too_large", f"the request has {size} bytes, more than {limit}")
        elif self.draining:
            self._last_refused = request.arrived
            self._refuse(request, name, 503, "draining", "the broker is stopping")
        else:
            service = self._get_or_create(name)
            if service is None:
                self._refuse(request, name, 503, "too_many_services", f"{len(self.services)} services are known")
            return service
        return None
