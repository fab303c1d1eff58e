"""Events that their actor finishes later."""

from __future__ import annotations

from actorkit.context import Failure
from actorkit.event import Event
from actorkit.exits import Exits
from actorkit.ledger import settle
from actorkit.wire import Arrived


class Hold:
    """An event that its actor finishes later; see `actorkit.actor.Held`."""

    def __init__(self, exits: Exits, actor: str, event: Event) -> None:
        if not isinstance(event.origin, Arrived):
            raise TypeError("only an event that is being consumed can be held")
        self._exits = exits
        self._actor = actor
        self._event = event
        self._entry = event.origin
        self._entry.pending += 1
        self._open = True

    def complete(self, *events: Event) -> None:
        """Send these to the default outboxes and be done with the held event."""
        if self._open:
            for event in events:
                self._exits.emit(event, self._exits.targets(None), self._event)
            self._end()

    def fail(self, error: BaseException) -> None:
        """Send the held event to the error outbox with this error."""
        if self._open:
            self._exits.emit_failure(self._event, Failure.of(error, self._actor), "held")
            self._end()

    def _end(self) -> None:
        self._open = False
        settle(self._entry)
        self._exits.turn.schedule()
