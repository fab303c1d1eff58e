"""The `log` outbox: what an actor logs, as events."""

from __future__ import annotations

import logging
from typing import Final

import gevent

from actorkit.body import as_utf8
from actorkit.event import Event
from actorkit.exits import Exits

#: Log events that may wait in the `log` outbox before more are dropped.
LOG_BACKLOG: Final = 10_000


class LogOutbox(logging.Handler):
    """Sends what an actor logs to its `log` outbox, as JSON events. A full outbox drops records, and counts them."""

    def __init__(self, exits: Exits, actor: str, instance: str) -> None:
        super().__init__()
        self._exits = exits
        self._actor = actor
        self._instance = instance
        self._loop = gevent.get_hub().loop

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = as_utf8(record.getMessage())
        except Exception:  # noqa: BLE001  # arguments that do not fit: told as logging's own handlers tell it
            self.handleError(record)
            return
        event = Event(
            {
                "time": record.created,
                "level": record.levelname.lower(),
                "actor": self._actor,
                "instance": self._instance,
                "message": message,
            }
        )
        # A record may come from any thread; only the loop's may send.
        self._loop.run_callback_threadsafe(self._send, event)

    def _send(self, event: Event) -> None:
        exits = self._exits
        targets = exits.targets("log")
        if sum(sender.backlog for sender in targets) >= LOG_BACKLOG:
            exits.drop("log-full")
        else:
            exits.originate(event, targets, lambda: None)
