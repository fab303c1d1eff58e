"""What becomes of events that failed where no error outbox takes them."""

from __future__ import annotations

import logging
from typing import Final

import gevent

from actorkit.deadletters.box import Box, DeadLetterError
from actorkit.deadletters.letter import letter_context, letter_of
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.graph import DEAD_LETTERS
from actorkit.host.outboxes import Outboxes
from actorkit.settings import Settings

#: Pause before a failed event that could not be stored is stored again, in seconds.
STORE_AGAIN_S: Final = 1.0

log = logging.getLogger("actorkit.host")


class Letters:
    """Sends letters to the topology's dead-letter box where there is one, else stores them in a folder, else drops
    them."""

    def __init__(self, settings: Settings, outboxes: Outboxes) -> None:
        self._actor = settings.actor
        self._instance = settings.instance
        self._outboxes = outboxes
        self._has_box = DEAD_LETTERS in settings.outboxes
        folder = settings.dead_letters
        self._box = Box(folder, self._actor, self._instance) if folder is not None else None

    def keep(self, event: Event, failure: Failure, inbox: str) -> None:
        """Keep a failed event. It is not acknowledged before it is stored, so a full disk holds the actor up."""
        log.error("no error outbox takes event %s: %s: %s", event.trace, failure.kind, failure.message)
        if self._has_box:
            letter = letter_of(event, failure, actor=self._actor, instance=self._instance, inbox=inbox)
            self._outboxes.emit_letter(letter_context(letter), event)
            self._outboxes.drop("dead-letter")
        elif self._box is None:
            self._outboxes.drop("failed")
        else:
            self._store(self._box, event, failure, inbox)
            self._outboxes.drop("dead-letter")

    def _store(self, box: Box, event: Event, failure: Failure, inbox: str) -> None:
        while True:
            try:
                box.put(event, failure, inbox)
            except DeadLetterError as exc:
                log.error("%s; tried again in %g s", exc, STORE_AGAIN_S)
                gevent.sleep(STORE_AGAIN_S)
            else:
                return

    def close(self) -> None:
        """Close the file of the box."""
        if self._box is not None:
            self._box.close()
