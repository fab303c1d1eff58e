"""Requests that wait: given to workers, put back when a worker was lost, expired and refused."""

from __future__ import annotations

from actorkit.mdp.broker.clients import ClientTable
from actorkit.mdp.broker.counts import Counts
from actorkit.mdp.broker.request import Request
from actorkit.mdp.broker.service import Service, Worker
from actorkit.mdp.frames import ErrorHeader, Part, worker_request, write_header
from actorkit.mdp.options import BrokerParams


class RequestQueues:
    """The queues of all services together, and the way of a request out of them.

    Messages to be sent are appended to `outgoing`, the receiver's routing id first.
    """

    def __init__(self, params: BrokerParams, counts: Counts, outgoing: list[list[Part]], clients: ClientTable) -> None:
        self._params = params
        self._counts = counts
        self._outgoing = outgoing
        self._clients = clients
        #: Bytes of all requests that wait.
        self.queued_bytes = 0

    def __repr__(self) -> str:
        return f"<RequestQueues: {self.queued_bytes} bytes wait>"

    def add(self, service: Service, request: Request) -> None:
        """Let a request wait that nobody is idle for; refuse it where too much waits already."""
        queue, waits = service.queue, self.queued_bytes
        if self._is_full(service, request):
            self.refuse(request, service.name, 503, "queue_full", f'{queue.length} requests wait for "{service.label}"')
        elif self._are_too_many_bytes(service, request):
            self.refuse(request, service.name, 503, "queue_bytes", f"{waits} bytes wait at the broker")
        else:
            self.queued_bytes += request.size_bytes
            queue.append(request)
            service.next_deadline = min(service.next_deadline, request.deadline)

    def take(self, service: Service) -> Request:
        """Take the request of a service that is next; there is one."""
        request = service.queue.pop()
        self.queued_bytes -= request.size_bytes
        return request

    def assign(self, worker: Worker, request: Request, now: float) -> None:
        """Give a request to a worker that has none."""
        worker.request = request
        worker.last_sent = now
        self._outgoing.append([worker.identity, *worker_request(request.client, request.body, worker.dialect)])

    def dispatch(self, service: Service, now: float) -> None:
        """Give waiting requests to idle workers."""
        queue = service.queue
        while queue.length:
            if queue.peek().deadline > now:
                worker = service.next_idle()
                if worker is None:
                    return
                service.busy += 1
                self.assign(worker, self.take(service), now)
            else:
                self.expire(service, self.take(service))

    def assign_next(self, worker: Worker, now: float) -> None:
        """Give a worker that has answered the request that is next, or let it be idle."""
        service = worker.service
        while service.queue.length:
            request = self.take(service)
            if request.deadline > now:
                self.assign(worker, request, now)
                return
            self.expire(service, request)
        worker.request = None
        service.busy -= 1
        service.mark_idle(worker)

    def requeue(self, service: Service, request: Request, now: float, *, begun: bool, why: str) -> None:
        """Put a request that its worker did not finish at the front of the queue, or give it up (rule 15)."""
        request.parts = None
        if begun:
            request.attempts += 1
            if not service.idempotent or request.streamed or request.attempts >= self._params.max_deliveries:
                text = f'"{service.label}" did not finish the request: {why}, attempt {request.attempts}'
                self.refuse(request, service.name, 502, "worker_lost", text)
                return
        if request.deadline <= now:
            self.expire(service, request)
            return
        self._counts.requeued += 1
        self.queued_bytes += request.size_bytes
        service.queue.put_back(request)
        service.next_deadline = min(service.next_deadline, request.deadline)
        self.dispatch(service, now)

    def sweep(self, service: Service, now: float) -> None:
        """Expire every request of a service whose deadline has passed."""
        for request in service.take_expired(now):
            self.queued_bytes -= request.size_bytes
            self.expire(service, request)

    def expire(self, service: Service, request: Request) -> None:
        """Give up a request that no worker was free for in time."""
        self._counts.expired += 1
        self.refuse(request, service.name, 504, "expired", f'no worker of "{service.label}" was free in time')

    def refuse(
        self, request: Request, service: Part, status: int, reason: str, text: str, *, everyone: bool = False
    ) -> None:
        """Give a request up. Only our own clients are told (RFC 7 has no error reply), or `everyone`, where the request
        could not be done at any time, by any broker of this kind."""
        self._counts.errors[reason] += 1
        if request.is_ours or everyone:
            header = write_header(ErrorHeader(status=status, error=text, draining=reason == "draining"))
            self._clients.answer(request, service, [header])

    def refuse_all(self, service: Service) -> None:
        """Give up every request that waits, because the broker ends."""
        for request in service.queue:
            self.refuse(request, service.name, 503, "draining", "the broker stopped before a worker was free")
            self.queued_bytes -= request.size_bytes
        service.queue.clear()

    # One client's backlog shuts nobody out: where much waits, who has more than an even share is refused first.

    def _is_full(self, service: Service, request: Request) -> bool:
        """Whether a queue takes no more of a client. Up to the limit it takes all; from there to twice the limit, only
        of clients that have less than an even share; beyond that, none."""
        queue, limit = service.queue, service.queue_limit
        if queue.length < limit or queue.length >= 2 * limit:
            return queue.length >= limit
        own, _ = queue.waiting_of(request.turn)
        return own >= limit // (queue.clients + (not own))

    def _are_too_many_bytes(self, service: Service, request: Request) -> bool:
        """Whether too many bytes wait to take a request: an even share of half the limit is for each client."""
        limit = self._params.queue_bytes_limit
        after = self.queued_bytes + request.size_bytes
        if after <= limit // 2 or after > limit:
            return after > limit
        own, own_bytes = service.queue.waiting_of(request.turn)
        return own_bytes + request.size_bytes > limit // 2 // (service.queue.clients + (not own))
