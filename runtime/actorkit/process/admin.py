"""The admin server of a process, as its settings ask for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client.registry import Collector

from actorkit.errors import SettingsError
from actorkit.observe import metrics, redact
from actorkit.observe.admin import Action, Pages
from actorkit.observe.admin_server import AdminServer
from actorkit.process.token import read_or_make_token
from actorkit.settings import Settings
from actorkit.transport.endpoint import Endpoint


def serve_admin(
    settings: Settings,
    why_not_ready: Callable[[], str],
    told: Mapping[str, Callable[[], Any]],
    *collectors: Collector,
    actions: Mapping[str, Action] | None = None,
) -> AdminServer | None:
    """Serve the process's figures and what these collectors tell, the pages of JSON, and the `actions` for whoever has
    the token; None where no admin server is asked for.

    Raises:
        SettingsError: the address cannot be bound, or the token cannot be had.
    """
    if settings.admin is None:
        return None
    wanted = settings.admin
    token = read_or_make_token(settings.admin_token) if actions and settings.admin_token is not None else ""
    redact.learn(token)
    pages = Pages(metrics.registry(settings.instance, *collectors), why_not_ready, told, actions, token)
    server = AdminServer((wanted.host, wanted.port), pages, family=wanted.family)
    try:
        server.start()
    except OSError as exc:
        raise SettingsError(f"ACTORKIT_ADMIN is {wanted.address}, and it cannot be bound: {exc.strerror}.") from exc
    address = Endpoint.tcp(wanted.host, server.port).address
    logging.getLogger("actorkit.process").info("admin server at http://%s", address)
    return server
