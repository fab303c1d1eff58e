"""Events that their actor finishes later."""

from __future__ import annotations

from collections.abc import Callable

from actorkit.edge.ledger import settle
from actorkit.edge.wire import Delivery
from actorkit.event import Event
from actorkit.host.outboxes import Outboxes


class Hold:
    """An event that its actor finishes later; see `actorkit.actor.Held`. `refuse` has it fail like one whose consume
    raises."""

    def __init__(self, outboxes: Outboxes, event: Event, refuse: Callable[[BaseException], None]) -> None:
        if not isinstance(event.origin, Delivery):
            raise TypeError("only an event that is being consumed can be held")
        self._outboxes = outboxes
        self._event = event
        self._refuse = refuse
        self._entry = event.origin
        self._entry.pending += 1
        outboxes.holds += 1
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
            self._refuse(error)
            self._end()

    def _end(self) -> None:
        self._open = False
        self._outboxes.holds -= 1
        settle(self._entry)
        self._outboxes.flush.schedule()
