"""The `log` outbox: what an actor logs, as events."""

from __future__ import annotations

import logging
from typing import Final

import gevent

from actorkit.event import Event
from actorkit.event.body import as_utf8
from actorkit.host.outboxes import Outboxes
from actorkit.host.progress import current
from actorkit.observe import redact

#: Log events that may wait in the `log` outbox before more are dropped.
LOG_BACKLOG: Final = 10_000


class LogOutbox(logging.Handler):
    """Sends what an actor logs to its `log` outbox, as JSON events. A full outbox drops records, and counts them.

    A record that is logged while an event is consumed belongs to that event's trace; any other begins one.
    """

    def __init__(self, outboxes: Outboxes, actor: str, instance: str) -> None:
        super().__init__()
        self._outboxes = outboxes
        self._actor = actor
        self._instance = instance
        self._loop = gevent.get_hub().loop

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = redact.text(as_utf8(record.getMessage()))
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
        consumed = current.get().event
        if consumed is not None:
            event._trace = consumed.trace_number
        # A record may come from any thread; only the loop's may send.
        self._loop.run_callback_threadsafe(self._send, event)

    def _send(self, event: Event) -> None:
        outboxes = self._outboxes
        targets = outboxes.targets("log")
        if sum(sender.backlog for sender in targets) >= LOG_BACKLOG:
            outboxes.drop("log-full")
        else:
            outboxes.emit_root(event, targets, lambda: None)
