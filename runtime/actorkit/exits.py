"""The outboxes of an instance: where events go, under which id, and who waits for them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from actorkit.errors import MalformedEvent, NotFound
from actorkit.event import Event, Failure, derive_id, new_id
from actorkit.graph import RESERVED
from actorkit.ledger import Entry, Root, settle
from actorkit.turn import Turn
from actorkit.wire import MAX_BODY_BYTES, Arrived, Parcel

log = logging.getLogger("actorkit.exits")


class Exit(Protocol):
    """One connection, as far as an event on its way out is concerned: it goes to the end of `pending`."""

    salt: int
    pending: deque[tuple[Parcel, Entry]]


class Exits:
    """Sends events to outboxes. `outlets` maps an outbox to its connections; `declared` names outboxes that get only
    what is sent to them by name.

    Attributes:
        sent: events sent, by outbox.
        dropped: events that went nowhere, by reason.
    """

    def __init__(
        self,
        outlets: Mapping[str, Sequence[Exit]],
        declared: Iterable[str],
        turn: Turn,
        dead_letter: Callable[[Event, Failure], None],
    ) -> None:
        self.outlets = outlets
        self.turn = turn
        self._declared = frozenset(declared)
        self._default = [
            (outbox, exit_)
            for outbox, exits in outlets.items()
            if outbox not in RESERVED and outbox not in self._declared
            for exit_ in exits
        ]
        self._error = [("error", exit_) for exit_ in outlets.get("error", ())]
        self._dead_letter = dead_letter
        self.sent: dict[str, int] = dict.fromkeys(outlets, 0)
        self.dropped: dict[str, int] = {}
        #: The one entry of all events of a source that has a single connection: it counts, and is never done.
        self.source = Root(lambda: None)
        self._others = 0

    def targets(self, outbox: str | None) -> Sequence[tuple[str, Exit]]:
        """The connections of an outbox, or of all default ones.

        Raises:
            NotFound: no outbox of that name is connected, and none is declared.
        """
        if outbox is None:
            return self._default
        if outbox in self.outlets:
            return [(outbox, exit_) for exit_ in self.outlets[outbox]]
        if outbox in self._declared or outbox in RESERVED:
            return ()
        raise NotFound(f'there is no outbox "{outbox}" here')

    def emit(self, event: Event, targets: Sequence[tuple[str, Exit]], parent: Event) -> None:
        """Send one event that its parent became. The parent waits for it.

        Raises:
            ConversionError, MalformedEvent: the data cannot travel.
        """
        entry = parent.origin
        if type(entry) is not Arrived:
            raise TypeError("the parent of an event must be one that is being consumed")
        if event.origin is not entry:
            event.adopt(parent)
        if not targets:
            self.drop("unconnected")
            return
        format_, content = event.encoded()
        context, homes = event.encoded_context(), event.homes
        if len(content) > MAX_BODY_BYTES:
            raise _too_long(content)
        for outbox, exit_ in targets:
            entry.ordinal += 1
            entry.pending += 1
            id_ = derive_id(entry.id, exit_.salt, entry.ordinal)
            parcel = Parcel(id_, entry.trace, format_, content, context, homes, entry.redelivered)
            exit_.pending.append((parcel, entry))
            self.sent[outbox] += 1
        if not self.turn.due:
            self.turn.schedule()

    def emit_result(self, result: object, parent: Event) -> None:
        """Send what a consume gave back to the default outboxes."""
        if isinstance(result, Event):
            self.emit(result, self._default, parent)
        elif isinstance(result, Iterable) and not isinstance(result, str | bytes | dict):
            for event in result:
                self.emit(event, self._default, parent)
        else:
            raise TypeError(
                f"consume returned a {type(result).__name__}; return an Event, an iterable of events, or None"
            )

    def emit_failure(self, event: Event, failure: Failure) -> None:
        """Send an event that failed to the error outbox, or to the dead letters when there is none."""
        if self._error:
            failed = event.replace()
            failed.failure = failure
            self.emit(failed, self._error, event)
        else:
            self._dead_letter(event, failure)

    def originate(self, event: Event, targets: Sequence[tuple[str, Exit]], finished: Callable[[], None]) -> None:
        """Send an event that begins here; `finished` is called in the hub when all that it became is done."""

        def end() -> None:
            self._others -= 1
            finished()

        self._others += 1
        root = Root(end)
        root.pending += len(targets)
        try:
            self.begin(event, targets, root)
        except BaseException:
            self._others -= 1
            raise
        settle(root)

    def begin(self, event: Event, targets: Sequence[tuple[str, Exit]], entry: Entry) -> None:
        """Send an event that begins here, under a new id; `entry` waits already, once for each target."""
        id_ = new_id()
        if event._trace:
            trace = event._trace
        else:
            # Its first journey gives the event its name; a later one of the same object has another id.
            trace = event._id = event._trace = event._id or id_
        format_, content = event.encoded()
        if len(content) > MAX_BODY_BYTES:
            raise _too_long(content)
        context, homes = event.encoded_context(), event._homes
        if not targets:
            self.drop("unconnected")
        for ordinal, (outbox, exit_) in enumerate(targets):
            own = derive_id(id_, exit_.salt, ordinal) if ordinal else id_
            exit_.pending.append((Parcel(own, trace, format_, content, context, homes), entry))
            self.sent[outbox] += 1
        if not self.turn.due:
            self.turn.schedule()

    @property
    def roots(self) -> int:
        """Events that began here and are not finished."""
        return self.source.pending - 1 + self._others

    def drop(self, reason: str) -> None:
        """Count an event that goes nowhere."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


def _too_long(content: bytes) -> MalformedEvent:
    return MalformedEvent(f"the data has {len(content)} bytes; an event carries at most {MAX_BODY_BYTES}")
