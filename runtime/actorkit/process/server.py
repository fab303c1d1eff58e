"""Broker or registration service as a process of its own: a plain loop without gevent, the admin port in a thread."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Final

import msgspec

from actorkit import __version__, params
from actorkit.errors import SettingsError
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.broker.tuning import tune_process
from actorkit.mdp.directory.service import RegistrationService
from actorkit.mdp.options import BrokerParams, RegistrationParams, refuse_clear
from actorkit.mdp.server import Server
from actorkit.observe import logs, metrics
from actorkit.process.admin import serve_admin
from actorkit.process.memory import memory_limit_bytes
from actorkit.process.server_graph import graph_of
from actorkit.settings import Settings
from actorkit.transport import topology_keys
from actorkit.transport.endpoint import REGISTRY


def main(settings: Settings) -> int:
    """Run a broker or registration service until SIGTERM or SIGINT; returns the exit status.

    Raises:
        SettingsError: a parameter is wrong, the class is no server, or a port cannot be bound.
    """
    logs.configure(
        settings.log_format,
        settings.log_level,
        topology=settings.topology,
        actor=settings.actor,
        instance=settings.instance,
    )
    if settings.inbox is None:
        raise SettingsError("ACTORKIT_INBOX is not set. Set it to the endpoint to bind, as tcp://*:5550.")
    kind = SERVERS.get(settings.class_path)
    if kind is None:
        raise SettingsError(f'ACTORKIT_CLASS is "{settings.class_path}", not a server. Use {" or ".join(SERVERS)}.')
    make, cls = kind
    served = make(settings, settings.inbox)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: served.stop())
    served.bind()
    tune_process()
    info = metrics.BuildInfo(__version__, settings.topology, settings.actor)
    told = {"/scale": served.waiting, "/graph": lambda: graph_of(settings, cls, served)}
    server = serve_admin(settings, served.unready, told, info, served.collector)
    try:
        served.run()
    finally:
        if server is not None:
            server.stop()
    return 0


def broker(settings: Settings, endpoint: str, memory_bytes: int | None = None) -> Broker:
    """A broker. What its parameters do not say follows from the settings: keys, the time to drain, and where it
    announces itself, which is where the topology's clients look for brokers. What may wait in it
    is at most a quarter of the memory, for requests and for answers each: of the container's, where nothing is said."""
    built = params.build(BrokerParams, settings.params)
    if "drain_timeout_s" not in settings.params:
        built = msgspec.structs.replace(built, drain_timeout_s=settings.drain_timeout_s)
    share = (memory_bytes or memory_limit_bytes()) // 4
    for name in {"queue_bytes_limit", "client_bytes_limit"} - settings.params.keys():
        built = msgspec.structs.replace(built, **{name: min(getattr(built, name), share)})
    registration = [name.removeprefix(REGISTRY) for name in settings.brokers if name.startswith(REGISTRY)]
    if not built.registration and registration:
        built = msgspec.structs.replace(built, registration=registration)
    if settings.keys is not None:
        pair = topology_keys.read(settings.keys)
        built = msgspec.structs.replace(
            built, keys=built.keys or pair.server, registration_keys=built.registration_keys or pair.client
        )
    refuse_clear(settings.actor, endpoint, built.keys, clear=built.clear)
    return Broker(endpoint, built)


def _registration(settings: Settings, endpoint: str) -> Server:
    built = params.build(RegistrationParams, settings.params)
    keys = built.keys
    if keys is None and settings.keys is not None:
        keys = topology_keys.read(settings.keys).server
    refuse_clear(settings.actor, endpoint, keys, clear=built.clear)
    return RegistrationService(endpoint, settle_s=built.settle_s, keys=keys)


#: What runs here, by the class that ACTORKIT_CLASS names: what makes it, and its parameters.
SERVERS: Final[dict[str, tuple[Callable[[Settings, str], Server], type[msgspec.Struct]]]] = {
    "actorkit.mdp.broker:Broker": (broker, BrokerParams),
    "actorkit.mdp.directory:RegistrationService": (_registration, RegistrationParams),
}
