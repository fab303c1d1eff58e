"""Services, and the requests that wait for their workers: given out, put back, refused and expired here."""

from __future__ import annotations

from actorkit.mdp.broker.counts import Counts
from actorkit.mdp.broker.service import Request, Service, Worker
from actorkit.mdp.frames import ErrorHeader, Part, client_answer, worker_request, write_header
from actorkit.mdp.options import BrokerParams


class Queues:
    """The half of the broker's state that does not care who the workers are.

    `outgoing` collects the messages to be sent, the receiver's routing id first.
    """

    def __init__(self, params: BrokerParams) -> None:
        self.params = params
        self.counts = Counts()
        self.outgoing: list[list[Part]] = []
        self.services: dict[Part, Service] = {}
        #: Bytes of all requests that wait.
        self.queued_bytes = 0
        for name in params.services:
            self.services[name.encode()] = self._new_service(name.encode(), pinned=True)

    def _new_service(self, name: bytes, *, pinned: bool = False) -> Service:
        options = self.params.options(name.decode())
        limit = self.params.queue_limit if options.queue_limit is None else options.queue_limit
        timeout_s = options.request_timeout_s or self.params.request_timeout_s
        return Service(
            name, idempotent=options.idempotent, queue_limit=limit, request_timeout_s=timeout_s, pinned=pinned
        )

    def _get_or_create(self, name: bytes) -> Service | None:
        """Return the service of that (valid) name, new if need be; None when too many are known."""
        service = self.services.get(name)
        if service is None and len(self.services) < self.params.max_services:
            service = self.services[name] = self._new_service(name)
        return service

    def _forget(self, service: Service) -> None:
        if not service.is_needed():
            self.services.pop(service.name, None)

    def _refuse(self, request: Request, service: Part, status: int, reason: str, text: str) -> None:
        """Give a request up. Only our own clients are told (RFC 7 has no error reply)."""
        self.counts.errors[reason] += 1
        if request.noted:
            note = write_header(ErrorHeader(status=status, error=text, draining=reason == "draining"))
            self.outgoing.append([request.client, *client_answer(service, [note], request.dialect)])

    def expire(self, service: Service, request: Request) -> None:
        self.counts.expired += 1
        self._refuse(request, service.name, 504, "expired", f'no worker of "{service.label}" was free in time')

    def _again(self, service: Service, request: Request, now: float, *, begun: bool, why: str) -> None:
        """Queue a request first that its worker did not finish, or give it up."""
        request.parts = None
        if begun:
            request.attempts += 1
            if not service.idempotent or request.streamed or request.attempts >= self.params.max_deliveries:
                text = f'"{service.label}" did not finish the request: {why}, attempt {request.attempts}'
                self._refuse(request, service.name, 502, "worker_lost", text)
                return
        if request.deadline <= now:
            self.expire(service, request)
            return
        self.counts.requeued += 1
        request.size_bytes = sum(map(len, request.body))
        self.queued_bytes += request.size_bytes
        service.queue.appendleft(request)
        service.next_deadline = min(service.next_deadline, request.deadline)
        self._dispatch(service, now)

    def _dispatch(self, service: Service, now: float) -> None:
        """Give waiting requests to idle workers."""
        queue = service.queue
        while queue:
            if queue[0].deadline > now:
                worker = service.next_idle()
                if worker is None:
                    return
                service.busy += 1
                self._give(worker, self._take(service), now)
            else:
                self.expire(service, self._take(service))

    def _take(self, service: Service) -> Request:
        """Take the request that waits for longest."""
        request = service.queue.popleft()
        self.queued_bytes -= request.size_bytes
        return request

    def _give(self, worker: Worker, request: Request, now: float) -> None:
        worker.request = request
        worker.last_sent = now
        self.outgoing.append([worker.identity, *worker_request(request.client, request.body, worker.dialect)])
