"""RFC 8/MMI: what the broker answers itself.

`mmi.service` [name]: 200 when a worker is registered for the service, 404 when not. `mmi.workers`, `mmi.queue` [name]:
the number of registered workers, of waiting requests, in decimal; with an empty name both answer for every service, as
JSON: {name: {"workers", "busy", "queue", "oldest_s"}}. `mmi.lease` [request]: lease.py; 400 where it is none. Any other
name: 501.
"""

from __future__ import annotations

import msgspec

from actorkit.mdp.broker.leases import Leases
from actorkit.mdp.broker.services import ServiceTable
from actorkit.mdp.frames import DRAINING, MAX_BODY, Part
from actorkit.mdp.lease import SERVICE, read_request

_LEASE = SERVICE.encode()


class ServiceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one service, as `mmi.workers` with an empty name shows it."""

    workers: int
    busy: int
    queue: int
    #: Age of the request that waits for longest, in seconds; 0 when none waits.
    oldest_s: float


def report(services: ServiceTable, now: float) -> dict[str, ServiceReport]:
    """The state of every service, by name."""
    return {
        service.label: ServiceReport(
            workers=service.workers, busy=service.busy, queue=service.queue.length, oldest_s=service.oldest_s(now)
        )
        for service in services.all()
    }


def answer(
    services: ServiceTable, leases: Leases, name: Part, argument: Part, now: float, max_body_bytes: int
) -> list[Part]:
    """The body of the answer to a request for an `mmi.` service."""
    asked = argument if isinstance(argument, bytes) else argument.bytes
    service = services.get(asked)
    if name == DRAINING:
        return [b"200"]  # asked of a broker that drains; else the answer waits until it does
    if name == MAX_BODY:
        return [b"%d" % max_body_bytes]
    if name == _LEASE:
        request = read_request(asked)
        return [b"400" if request is None else msgspec.json.encode(leases.take(request, now))]
    if name == b"mmi.service":
        return [b"200" if service is not None and service.workers else b"404"]  # rule 23
    if name in (b"mmi.workers", b"mmi.queue"):
        if not asked:
            return [msgspec.json.encode(report(services, now))]
        if service is None:
            return [b"0"]
        return [b"%d" % (service.workers if name == b"mmi.workers" else service.queue.length)]
    return [b"501"]  # rule 24
