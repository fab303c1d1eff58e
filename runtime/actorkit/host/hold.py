"""Events that their actor finishes later."""

from __future__ import annotations

from actorkit.edge.ledger import settle
from actorkit.edge.wire import Delivery
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.host.outboxes import Outboxes


class Hold:
    """An event that its actor finishes later; see `actorkit.actor.Held`."""

    def __init__(self, outboxes: Outboxes, actor: str, event: Event) -> None:
        if not isinstance(event.origin, Delivery):
            raise TypeError("only an event that is being consumed can be held")
        self._outboxes = outboxes
        self._actor = actor
        self._event = event
        self._entry = event.origin
        self._entry.pending += 1
        self._open = True

    def complete(self, *events: Event) -> None:
        """Send these to the default outboxes and be done with the held event."""
        if self._open:
            for event in events:
                self._outboxes.emit(event, self._outboxes.targets(None), self._event)
            self._end()

    def fail(self, error: BaseException) -> None:
        """Have the held event fail with this error."""
        if self._open:
            self._outboxes.emit_failure(self._event, Failure.of(error, self._actor), "held")
            self._end()

    def _end(self) -> None:
        self._open = False
        settle(self._entry)
        self._outboxes.flush.schedule()
