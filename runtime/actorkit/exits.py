"""The outboxes of an instance: where events go, under which id, and who waits for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from actorkit.errors import MalformedEvent, NotFound
from actorkit.event import Event, Failure, derive_id
from actorkit.graph import RESERVED
from actorkit.ledger import Root
from actorkit.wire import MAX_BODY_BYTES, Parcel

log = logging.getLogger("actorkit.exits")


class Exit(Protocol):
    """One connection, as far as an event on its way out is concerned."""

    salt: int

    @property
    def sender(self) -> Any: ...


class Exits:
    """Sends events to outboxes. `outlets` maps an outbox to its connections; `declared` names outboxes that get only
    what is sent to them by name.

    Attributes:
        sent: events sent, by outbox.
        dropped: events that went nowhere, by reason.
        roots: events that began here and are not finished.
    """

    def __init__(
        self,
        outlets: Mapping[str, Sequence[Exit]],
        declared: Iterable[str],
        schedule: Callable[[], None],
        dead_letter: Callable[[Event, Failure], None],
    ) -> None:
        self.outlets = outlets
        self.schedule = schedule
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
        self.roots = 0

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
        delivery = parent.delivery
        if event.delivery is not delivery:
            event.adopt(parent)
        if not targets:
            self.drop("unconnected")
            return
        format_, content = event.encoded()
        if len(content) > MAX_BODY_BYTES:
            raise MalformedEvent(f"the data has {len(content)} bytes; an event carries at most {MAX_BODY_BYTES}")
        context = event.encoded_context()
        for outbox, exit_ in targets:
            parent.ordinal += 1
            delivery.pending += 1
            id_ = derive_id(parent.id, exit_.salt, parent.ordinal)
            exit_.sender.put(Parcel(id_, format_, content, context, event.homes, parent.redelivered), delivery)
            self.sent[outbox] += 1

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
        self.roots += 1

        def end() -> None:
            self.roots -= 1
            finished()

        event.delivery = root = Root(end)
        event.ordinal = 0
        try:
            self.emit(event, targets, event)
        finally:
            root.release()
        self.schedule()

    def drop(self, reason: str) -> None:
        """Count an event that goes nowhere."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
