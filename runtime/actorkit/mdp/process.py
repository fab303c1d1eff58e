"""The broker as a process of its own: no gevent, a plain blocking loop, the admin port in a thread."""

from __future__ import annotations

import signal
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec

from actorkit import __version__, admin, logs, metrics, params, topology_keys
from actorkit.errors import SettingsError
from actorkit.mdp.broker import Broker, lean
from actorkit.mdp.options import BrokerParams
from actorkit.settings import Settings


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # the name is the standard library's
        """Say nothing: probes and scrapes come every few seconds."""


def main(settings: Settings) -> int:
    """Run a broker until SIGTERM or SIGINT; returns the exit status.

    Raises:
        SettingsError: a parameter is wrong, or a port cannot be bound.
    """
    logs.configure(
        settings.log_format,
        settings.log_level,
        topology=settings.topology,
        actor=settings.actor,
        instance=settings.instance,
    )
    if settings.inbox is None:
        raise SettingsError("ACTORKIT_INBOX is not set. A broker needs the endpoint to bind, as tcp://*:5550.")
    broker = Broker(settings.inbox, _params(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: broker.stop())
    broker.bind()
    lean()
    server = _serve_admin(settings, broker)
    try:
        broker.run()
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
    return 0


def _params(settings: Settings) -> BrokerParams:
    """The broker's parameters; where it is given no keys of its own, the topology's."""
    built = params.build(BrokerParams, settings.params)
    if built.keys is None and settings.keys is not None:
        return msgspec.structs.replace(built, keys=topology_keys.read(settings.keys).server)
    return built


def _serve_admin(settings: Settings, broker: Broker) -> WSGIServer | None:
    if settings.admin is None:
        return None
    host, port = settings.admin
    info = metrics.BuildInfo(__version__, settings.topology, settings.actor)
    pages = admin.application(
        metrics.registry(info, broker.collector), lambda: "draining" if broker.state.draining else ""
    )
    try:
        server = make_server(host, port, pages, server_class=_Server, handler_class=_Handler)
    except OSError as exc:
        raise SettingsError(f"ACTORKIT_ADMIN is {host}:{port}, and it cannot be bound: {exc.strerror}.") from exc
    threading.Thread(target=server.serve_forever, name="admin", daemon=True).start()
    return server
