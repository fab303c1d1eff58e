"""The services that a broker knows, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actorkit.mdp.broker.service import Service
from actorkit.mdp.frames import Part
from actorkit.mdp.options import BrokerParams


class ServiceTable(Mapping[Part, Service]):
    """Configured services, which stay, and others, which are forgotten when nobody waits or works for them.

    `by_name` is for the loop and for other threads, which must see all of it at once; nobody else changes it.
    """

    def __init__(self, params: BrokerParams) -> None:
        self._params = params
        self.by_name: dict[Part, Service] = {}
        for name in params.services:
            self.by_name[name.encode()] = self._new(name.encode(), pinned=True)

    def __repr__(self) -> str:
        return f"<ServiceTable of {len(self.by_name)} services>"

    def __getitem__(self, name: Part) -> Service:
        return self.by_name[name]

    def __iter__(self) -> Iterator[Part]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def get_or_create(self, name: bytes) -> Service | None:
        """The service of that (valid) name, new if need be; None when too many are known."""
        service = self.by_name.get(name)
        if service is None and len(self.by_name) < self._params.max_services:
            service = self.by_name[name] = self._new(name)
        return service

    def forget(self, service: Service) -> None:
        """Forget a service, unless it is needed."""
        if not service.is_needed():
            self.by_name.pop(service.name, None)

    def _new(self, name: bytes, *, pinned: bool = False) -> Service:
        options = self._params.options(name.decode())
        limit = self._params.queue_limit if options.queue_limit is None else options.queue_limit
        timeout_s = options.request_timeout_s or self._params.request_timeout_s
        return Service(
            name, idempotent=options.idempotent, queue_limit=limit, request_timeout_s=timeout_s, pinned=pinned
        )
