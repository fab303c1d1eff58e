"""The admin server of a process, as its settings ask for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client.registry import Collector

from actorkit.errors import SettingsError
from actorkit.observe import metrics
from actorkit.observe.admin import Pages
from actorkit.observe.admin_server import AdminServer
from actorkit.settings import Settings
from actorkit.transport.endpoint import Endpoint


def serve_admin(
    settings: Settings,
    why_not_ready: Callable[[], str],
    scale: Callable[[], Mapping[str, int]],
    *collectors: Collector,
    graph: Callable[[], Mapping[str, Any]] = dict,
) -> AdminServer | None:
    """Serve the process's figures and what these collectors tell, how much waits as `scale` tells it, and the place
    in the graph that `graph` tells; None where no admin server is asked for.

    Raises:
        SettingsError: the address cannot be bound.
    """
    if settings.admin is None:
        return None
    wanted = settings.admin
    pages = Pages(metrics.registry(settings.instance, *collectors), why_not_ready, scale, graph)
    server = AdminServer((wanted.host, wanted.port), pages, family=wanted.family)
    try:
        server.start()
    except OSError as exc:
        raise SettingsError(f"ACTORKIT_ADMIN is {wanted.address}, and it cannot be bound: {exc.strerror}.") from exc
    told = Endpoint.tcp(wanted.host, server.port).address
    logging.getLogger("actorkit.process").info("admin server at http://%s", told)
    return server
