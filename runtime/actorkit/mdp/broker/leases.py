"""Names that are leased at a broker, one holder each."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from actorkit.mdp.lease import LeaseAnswer, LeaseRequest

#: Most names that are remembered; the one that was asked for longest ago is forgotten.
MAX_LEASES: Final = 10_000


class _Lease:
    __slots__ = ("free_at", "holder", "mark")

    def __init__(self, free_at: float) -> None:
        self.holder = ""
        #: From when on anybody may have it.
        self.free_at = free_at
        self.mark: int | None = None


class Leases:
    """Gives each name to one holder at a time. It asks no clock."""

    def __init__(self, limit: int = MAX_LEASES) -> None:
        self._limit = limit
        self._leases: OrderedDict[str, _Lease] = OrderedDict()

    def __repr__(self) -> str:
        return f"<{len(self._leases)} leases>"

    def take(self, request: LeaseRequest, now: float) -> LeaseAnswer:
        """Give the name to who asks, where that is possible."""
        lease = self._leases.get(request.name)
        if lease is None:
            lease = self._leases[request.name] = _Lease(now + request.ms / 1000)
            if len(self._leases) > self._limit:
                self._leases.popitem(last=False)
        self._leases.move_to_end(request.name)
        free = now >= lease.free_at
        held = lease.holder == request.holder or free or (request.renews and not lease.holder)
        if held:
            lease.holder = request.holder if request.ms else ""
            lease.free_at = now + request.ms / 1000
            if request.mark is not None:
                lease.mark = request.mark if lease.mark is None else max(lease.mark, request.mark)
        return LeaseAnswer(held=held and request.ms > 0, mark=lease.mark)
