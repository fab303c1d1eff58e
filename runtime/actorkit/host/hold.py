"""Events that their actor finishes later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actorkit.actor import Held
from actorkit.edge.ledger import Root, settle
from actorkit.edge.outcome import Outcome
from actorkit.edge.wire import Delivery
from actorkit.event import Event
from actorkit.event.ids import derive_id, derive_joint_id
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

    def complete(self, *events: Event, also: Sequence[Held] = (), anew: bool = False) -> None:
        """Send these to the default outboxes and be done with the held event; and with these others, together."""
        if not self._open:
            return
        others = [one for one in also if isinstance(one, Hold) and one._open and one is not self]
        if events and (others or anew):
            self._complete_together(events, [self, *others], anew)
            return
        for event in events:
            self._outboxes.emit(event, self._outboxes.targets(None), self._event)
        for one in (self, *others):
            one._end()

    def _complete_together(self, events: Sequence[Event], holds: list[Hold], anew: bool) -> None:
        """Send events for which all these held ones wait. Their ids follow from all of these: were it from one alone,
        events of other parts could pass for a repeat after a kill, and these parts would be lost."""
        entries = [one._entry for one in holds]
        name = derive_joint_id([entry.id for entry in entries])

        def finished() -> None:
            for entry in entries:
                settle(entry)
            self._outboxes.flush.schedule()

        def told(outcome: Outcome) -> None:
            for entry in entries:
                entry.tell(outcome)

        parent, outboxes, root = self._entry, self._outboxes, Root(finished, told)
        targets = outboxes.targets(None)
        for event in events:
            if event.origin is not parent:
                event.adopt(self._event)
            if not targets:
                outboxes.drop("unconnected")
            trace = 0 if anew else parent.trace or parent.id
            for target in targets:
                parent.ordinal += 1
                id_ = derive_id(name, target.salt, parent.ordinal)
                trace = trace or id_  # What begins anew is one trace, into however many outboxes it goes.
                outboxes.emit_entry(
                    event, [target], root, parent.reply_to, (id_, trace), parent.redelivered is not False
                )
        for one in holds:
            one._open = False
            outboxes.holds -= 1
        settle(root)

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
