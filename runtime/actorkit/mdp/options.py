"""What a broker can be told: its parameters, checked before anything starts."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from actorkit.errors import SettingsError
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ClientKeys, ServerKeys

#: Interval of heartbeats, in both directions, in seconds.
HEARTBEAT_S: Final = 2.5
#: Silent intervals after which the other side counts as dead; RFC 7 wants 3 to 5.
LIVENESS: Final = 3
#: Time after the start of a registration service in which it says that its listing may not be complete, in seconds.
SETTLE_S: Final = 5.0


class ServiceOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one service may have of its own; None takes the broker's value."""

    idempotent: Annotated[
        bool,
        Meta(description="whether a request may be done twice; if not, it is refused when its worker dies"),
    ] = True
    queue_limit: Annotated[int, Meta(ge=0, description="requests that may wait for a worker")] | None = None
    request_timeout_s: (
        Annotated[float, Meta(gt=0, description="how long a request may wait when its client does not say")] | None
    ) = None


class ServerParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may connect to a server beside the graph."""

    keys: Annotated[
        ServerKeys | None, Meta(description="CURVE keys; with them nobody gets a frame in who has none")
    ] = None
    clear: Annotated[
        bool, Meta(description="whether other machines may connect although there are no keys; else it does not start")
    ] = False


class BrokerParams(ServerParams, frozen=True, kw_only=True):
    """Parameters of a broker. Times are in seconds, sizes in bytes."""

    heartbeat_s: Annotated[float, Meta(gt=0, description="interval of heartbeats, in both directions")] = HEARTBEAT_S
    liveness: Annotated[
        int, Meta(ge=2, le=100, description="silent intervals after which a worker counts as dead (RFC 7: 3 to 5)")
    ] = LIVENESS
    request_timeout_s: Annotated[
        float, Meta(gt=0, description="how long a request may wait for a worker when its client does not say")
    ] = 60.0
    queue_limit: Annotated[
        int, Meta(ge=0, description="requests of one service that may wait for a worker; more are refused")
    ] = 100_000
    queue_bytes_limit: Annotated[
        int,
        Meta(ge=0, description="bytes that may wait in all queues together, half of them of one client"),
    ] = 256 * 1024 * 1024
    max_body_bytes: Annotated[
        int, Meta(gt=0, description="largest request; a frame of four times as much ends its connection")
    ] = 16 * 1024 * 1024
    max_services: Annotated[
        int,
        Meta(
            gt=0, description="names known at a time that only clients have mentioned; services with workers are beside"
        ),
    ] = 10_000
    client_services: Annotated[
        int, Meta(gt=0, description="such names that one connection of a client may have made up")
    ] = 100
    max_deliveries: Annotated[
        int, Meta(ge=1, description="workers that may die with one request before it is refused")
    ] = 5
    peer_backlog: Annotated[
        int, Meta(ge=1, description="messages kept for a client that does not read; more are dropped and counted")
    ] = 100_000
    client_bytes_limit: Annotated[
        int, Meta(ge=0, description="bytes kept for all clients that do not read; one may have half of it")
    ] = 256 * 1024 * 1024
    drain_timeout_s: Annotated[
        float, Meta(ge=0, description="how long a stopping broker lets requests that it has be finished")
    ] = 10.0
    registration: Annotated[
        list[str], Meta(description="endpoints of registration services that are told where this broker is")
    ] = msgspec.field(default_factory=list[str])
    advertise: Annotated[str, Meta(description="endpoint under which others reach this broker; empty: found out")] = ""
    registration_keys: Annotated[
        ClientKeys | None, Meta(description="CURVE keys for registration services that want them")
    ] = None
    announce_s: Annotated[float, Meta(gt=0, description="interval of announcements to registration services")] = 1.0
    metric_services: Annotated[
        int, Meta(ge=0, description='services with metrics of their own; the rest shares the label "other"')
    ] = 200
    services: Annotated[dict[str, ServiceOptions], Meta(description="options of single services, by name")] = (
        msgspec.field(default_factory=dict[str, ServiceOptions])
    )

    @property
    def expiry_s(self) -> float:
        """Silence after which a peer counts as dead."""
        return self.heartbeat_s * self.liveness

    def options(self, service: str) -> ServiceOptions:
        """The options of a service, configured or not."""
        return self.services.get(service, _NO_OPTIONS)


class RegistrationParams(ServerParams, frozen=True, kw_only=True):
    """Parameters of a registration service."""

    settle_s: Annotated[
        float, Meta(ge=0, description="time after its start in which a listing says that it may not be complete")
    ] = SETTLE_S


def refuse_clear(name: str, endpoint: str, keys: ServerKeys | None, *, clear: bool) -> None:
    """Refuse to serve without keys where other machines reach it, unless that is what was asked for (`clear`).

    Raises:
        SettingsError: it is, or the endpoint is none.
    """
    try:
        local = Endpoint.parse(endpoint).is_local
    except ValueError as exc:
        raise SettingsError(f"{name}: {exc}") from exc
    if keys is None and not clear and not local:
        raise SettingsError(
            f'"{name}" at {endpoint} can be reached from other machines and has no keys. '
            "Set ACTORKIT_KEYS (keys: in the topology), or the parameter clear to true."
        )


_NO_OPTIONS = ServiceOptions()
