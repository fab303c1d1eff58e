"""The services that a broker knows, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from actorkit.mdp.broker.service import Service
from actorkit.mdp.frames import Part
from actorkit.mdp.options import BrokerParams


class ServiceTable(Mapping[Part, Service]):
    """Services that are configured or have had a worker, in `by_name`; and beside them names that only clients mention.

    Anyone can make up names. So these are bounded, for each client and in all; they never take the place of a service
    that a worker answers for. Whatever nobody waits or works for is forgotten, but what is configured stays.

    `by_name` is for the loop; nobody else changes it.
    """

    def __init__(self, params: BrokerParams) -> None:
        self._params = params
        self.by_name: dict[Part, Service] = {}
        #: Services by the name that a client made up; no worker has registered for it yet.
        self._mentioned: dict[Part, Service] = {}
        #: How many of these each client has made up.
        self._mentioned_by: Counter[Part] = Counter()
        for name in params.services:
            self.by_name[name.encode()] = self._new(name.encode(), pinned=True)

    def __repr__(self) -> str:
        return f"<ServiceTable of {len(self.by_name)} services, {len(self._mentioned)} names beside>"

    def __getitem__(self, name: Part) -> Service:
        service = self.by_name.get(name)
        return self._mentioned[name] if service is None else service

    def __iter__(self) -> Iterator[Part]:
        return iter((*self.by_name, *self._mentioned))

    def __len__(self) -> int:
        return len(self.by_name) + len(self._mentioned)

    def all(self) -> list[Service]:
        """Every service. Any thread may ask."""
        return [*list(self.by_name.values()), *list(self._mentioned.values())]

    def for_worker(self, name: bytes) -> Service:
        """The service of that (valid) name, which a worker answers for from now on."""
        service = self.by_name.get(name)
        if service is None:
            service = self._mentioned.pop(name, None)
            if service is None:
                service = self._new(name)
            else:
                self._release(service)
            self.by_name[name] = service
        return service

    def for_client(self, name: bytes, client: Part) -> Service | None:
        """The service of that (valid) name, new if need be; None when the client, or all, have made up too many."""
        service = self.get(name)
        if service is None:
            if (
                len(self._mentioned) >= self._params.max_services
                or self._mentioned_by[client] >= self._params.client_services
            ):
                return None
            service = self._mentioned[name] = self._new(name)
            service.made_up_by = client
            self._mentioned_by[client] += 1
        return service

    def forget(self, service: Service) -> None:
        """Forget a service, unless it is needed."""
        if service.is_needed():
            return
        if service.made_up_by is None:
            self.by_name.pop(service.name, None)
        else:
            self._mentioned.pop(service.name, None)
            self._release(service)

    def _release(self, service: Service) -> None:
        """Count a name no more as one that its client made up."""
        client, service.made_up_by = service.made_up_by, None
        if client is not None:
            self._mentioned_by[client] -= 1
            if self._mentioned_by[client] <= 0:
                del self._mentioned_by[client]

    def _new(self, name: bytes, *, pinned: bool = False) -> Service:
        options = self._params.options(name.decode())
        limit = self._params.queue_limit if options.queue_limit is None else options.queue_limit
        timeout_s = options.request_timeout_s or self._params.request_timeout_s
        return Service(
            name, idempotent=options.idempotent, queue_limit=limit, request_timeout_s=timeout_s, pinned=pinned
        )
