"""What clients say to a broker: requests for services, and for the broker's own (RFC 8/MMI)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from actorkit.mdp.broker import mmi
from actorkit.mdp.broker.clients import ClientTable
from actorkit.mdp.broker.counts import Counts
from actorkit.mdp.broker.leases import Leases
from actorkit.mdp.broker.queues import RequestQueues
from actorkit.mdp.broker.request import Request
from actorkit.mdp.broker.service import Service
from actorkit.mdp.broker.services import ServiceTable
from actorkit.mdp.errors import FrameError
from actorkit.mdp.frames import (
    DRAINING,
    EXTENSION,
    MMI,
    Dialect,
    Part,
    client_answer,
    is_service_name,
    read_request_header,
)
from actorkit.mdp.options import BrokerParams

#: How many times `request_timeout_s` a client may wait, if it says so, for a service that nobody has registered.
MENTIONED_TIMEOUTS: Final = 10

#: Most clients that are told when the broker begins to drain; when more ask, those that asked first are forgotten.
MAX_WATCHERS: Final = 20_000


class ClientRequests:
    """Takes the requests of clients: to an idle worker, into a queue, or answered or refused here."""

    def __init__(
        self,
        params: BrokerParams,
        counts: Counts,
        outgoing: list[list[Part]],
        services: ServiceTable,
        clients: ClientTable,
        queues: RequestQueues,
        now: float,
        *,
        max_watchers: int,
    ) -> None:
        self._params = params
        self._counts = counts
        self._outgoing = outgoing
        self._services = services
        self._clients = clients
        self._queues = queues
        self._leases = Leases()
        self.draining = False
        #: When a request was last refused because the broker drains.
        self.last_refused = now
        #: Clients that asked to be told when it drains, and in which dialect.
        self._watchers: OrderedDict[Part, Dialect] = OrderedDict()
        self._max_watchers = max_watchers

    def __repr__(self) -> str:
        return f"<ClientRequests{' refused: draining' if self.draining else ''}, {len(self._watchers)} watchers>"

    def on_request(self, dialect: Dialect, frames: list[Part], now: float) -> None:
        """Take a REQUEST: `frames` is [client, two frames of the dialect, service, body…]."""
        name = frames[3]
        body = frames[4:]
        deadline = 0.0
        is_ours = False
        turn = b""
        first = body[0]
        if isinstance(first, bytes) and first.startswith(EXTENSION):
            try:
                header = read_request_header(first)
            except FrameError:
                self._counts.errors["header"] += 1
                return
            is_ours = True
            turn = header.client
            del body[0]
            if header.ms > 0:
                deadline = now + header.ms / 1000
        size = 0
        for part in body:
            size += len(part)
        identity = frames[0]
        peer = self._clients.by_identity.get(identity) or self._clients.meet(identity, None)
        request = Request(identity, turn or identity, dialect, body, now, deadline, is_ours, peer, size)
        self._counts.requests += 1
        service = self._services.get(name)
        if service is None or size > self._params.max_body_bytes or self.draining or not body:
            service = self._check(request, name)
            if service is None:
                return
        if not deadline:
            request.deadline = now + service.request_timeout_s
        elif service.made_up_by is not None:
            request.deadline = min(deadline, now + MENTIONED_TIMEOUTS * service.request_timeout_s)
        worker = service.next_idle()
        if worker is not None:
            service.busy += 1
            self._queues.assign(worker, request, now)
            return
        self._queues.add(service, request)
        self._services.forget(service)

    def drain(self, now: float) -> None:
        """Refuse new requests from now on, and tell those who asked."""
        self.draining = True
        self.last_refused = now
        for client, dialect in self._watchers.items():
            self._outgoing.append([client, *client_answer(DRAINING, [b"200"], dialect)])
        self._watchers.clear()

    def _check(self, request: Request, name: Part) -> Service | None:
        """The service of a request that is no ordinary one; None when the request is answered or refused here."""
        refuse = self._queues.refuse
        limit = self._params.max_body_bytes
        if not request.body:
            refuse(request, name, 400, "no_body", "the request has no body")
        elif not is_service_name(name):
            refuse(request, name, 400, "service_name", "a service is named by 1 to 255 bytes of printable UTF-8")
        elif name == DRAINING and not self.draining:
            self._counts.mmi += 1
            self._watch(request)
        elif name.startswith(MMI):
            self._counts.mmi += 1
            answer = mmi.answer(self._services, self._leases, name, request.body[0], request.arrived, limit)
            self._clients.answer(request, name, answer)
        elif request.size_bytes > limit:
            text = f"the request has {request.size_bytes} bytes, more than {limit}"
            refuse(request, name, 413, "too_large", text, everyone=True)
        elif self.draining:
            self.last_refused = request.arrived
            refuse(request, name, 503, "draining", "the broker is stopping")
        else:
            service = self._services.for_client(name, request.client)
            if service is None:
                text = "too many names are known that no worker has registered for"
                refuse(request, name, 503, "too_many_services", text)
            return service
        return None

    def _watch(self, request: Request) -> None:
        """Answer this one when the broker begins to drain."""
        self._watchers[request.client] = request.dialect
        if len(self._watchers) > self._max_watchers:
            self._watchers.popitem(last=False)
