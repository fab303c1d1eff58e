"""The console as a process of its own, beside a graph."""

from __future__ import annotations

import logging
import signal
import socket
from pathlib import Path

import msgspec
from gevent import monkey

from actorkit.errors import SettingsError
from actorkit.settings import Settings


class ConsoleParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """plan: the file with what `kit` tells of the graph. listen: where browsers are answered. descriptor: a socket that
    listens for them already, in the place of that."""

    plan: str
    listen: str = "0.0.0.0:9601"
    descriptor: int | None = None


def main(settings: Settings) -> int:
    """Run the console until SIGTERM or SIGINT; returns the exit status.

    Raises:
        SettingsError: a parameter is wrong, there is no plan, or a port cannot be bound.
    """
    monkey.patch_all()
    import gevent
    from gevent.event import Event as Flag
    from gevent.pywsgi import WSGIServer

    from actorkit import __version__, params
    from actorkit.console.app import App
    from actorkit.console.plan import PlanFile
    from actorkit.console.watch import Watch
    from actorkit.observe import logs, metrics
    from actorkit.process.admin import serve_admin

    logs.configure(
        settings.log_format,
        settings.log_level,
        topology=settings.topology,
        actor=settings.actor,
        instance=settings.instance,
    )
    log = logging.getLogger("actorkit.console")
    given = params.build(ConsoleParams, settings.params)
    watch = Watch(PlanFile(Path(given.plan)))
    ended = Flag()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, ended.set)
    server = WSGIServer(_listener(given), App(watch), log=None, error_log=log)
    server.start()
    asking = gevent.spawn(watch.run)
    info = metrics.BuildInfo(__version__, settings.topology, settings.actor)
    admin = serve_admin(settings, str, {}, info)
    ended.wait()
    asking.kill()
    server.stop(timeout=0)
    if admin is not None:
        admin.stop()
    return 0


def _listener(given: ConsoleParams) -> socket.socket:
    """The socket where browsers are answered.

    Raises:
        SettingsError: it cannot be had.
    """
    from actorkit.transport.endpoint import Endpoint

    if given.descriptor is not None:
        return socket.socket(fileno=given.descriptor)
    try:
        wanted = Endpoint.of_address(given.listen)
        return socket.create_server((wanted.host, wanted.port), family=wanted.family)
    except ValueError as exc:
        raise SettingsError(f"listen: {exc}") from exc
    except OSError as exc:
        raise SettingsError(f"listen: {given.listen} cannot be bound: {exc.strerror}.") from exc
