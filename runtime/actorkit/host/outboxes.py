"""The outboxes of an instance: where events go, under which id, and who waits for them."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Final

from actorkit.edge.expiry import expiry_outcome, is_late
from actorkit.edge.ledger import Entry, Root, ignore, settle
from actorkit.edge.outcome import Failed, Outcome
from actorkit.edge.sender import Sender
from actorkit.edge.wire import Delivery
from actorkit.errors import ConversionError, MalformedEvent, NotFound, UnsendableData
from actorkit.event import Event
from actorkit.event.body import UNREAD
from actorkit.event.context import Failure
from actorkit.event.ids import MASK, MULTIPLIER, derive_id, ids
from actorkit.event.parcel import MAX_BODY_BYTES, Parcel, ReplyTo
from actorkit.graph import DEAD_LETTERS, RESERVED
from actorkit.host.flush import FlushOnce
from actorkit.host.trails import Trails

#: What an author can do who gave something else than an event.
CONSUMED: Final = "return an Event, an iterable of events, or None"
PRODUCED: Final = "yield events, as Event(data)"

#: What an author can do who gave a position that nobody would heed.
UNSETTLED: Final = "and its actor has no `settle`; write one, be it empty"

#: Status of a failure that no actor meant for the one who waits.
UNEXPECTED: Final = 500


class Outboxes:
    """Sends events to the outboxes of an actor; as a collection, the names of those that are connected.

    `senders` maps an outbox to its connections; `declared` names outboxes that get only what is sent to them by name.

    Attributes:
        dropped: events that went nowhere, by reason.
        holds: events that the actor finishes later (`Hold`).
        forwarding: events that consume gave back unchanged, and that `forward` is still to send on.
        can_forward: whether events can be sent on so, without a copy: every default connection is a plain `Sender`.
    """

    def __init__(
        self,
        actor: str,
        senders: Mapping[str, Sequence[Sender]],
        declared: Iterable[str],
        flush: FlushOnce,
        dead_letter: Callable[[Event, Failure, str], None],
    ) -> None:
        #: The actor's name is the trail of what begins here.
        self.trail = self.actor = actor
        self._trails = Trails(actor)
        self.senders = {outbox: there for outbox, there in senders.items() if outbox != DEAD_LETTERS}
        self._letters = senders.get(DEAD_LETTERS, ())
        self.flush = flush
        self._declared = frozenset(declared)
        self._default = [
            sender
            for outbox, senders in self.senders.items()
            if outbox not in RESERVED and outbox not in self._declared
            for sender in senders
        ]
        self.can_forward = bool(self._default) and all(type(sender) is Sender for sender in self._default)
        self.forwarding: list[Delivery] = []
        self._error = list(senders.get("error", ()))
        self._dead_letter = dead_letter
        self.dropped: dict[str, int] = {}
        self.holds = 0
        #: The one entry of all events of a source that has a single connection: it counts, and is never done.
        self.source = Root(lambda: None)
        self._others = 0
        self.next_id = ids()

    def __contains__(self, outbox: object) -> bool:
        return outbox in self.senders

    def __iter__(self) -> Iterator[str]:
        return iter(self.senders)

    def __len__(self) -> int:
        return len(self.senders)

    def targets(self, outbox: str | None) -> Sequence[Sender]:
        """The connections of an outbox, or of all default ones.

        Raises:
            NotFound: no outbox of that name is connected, and none is declared.
        """
        if outbox is None:
            return self._default
        if outbox in self.senders:
            return self.senders[outbox]
        if outbox in self._declared or outbox in RESERVED:
            return ()
        raise NotFound(f'there is no outbox "{outbox}" here')

    def emit(self, event: Event, targets: Sequence[Sender], parent: Event) -> None:
        """Send one event that its parent became. The parent waits for it.

        Raises:
            UnsendableData: the data cannot travel.
            ConversionError: the parent's context cannot be read.
        """
        entry = parent.origin
        if type(entry) is not Delivery:
            raise TypeError("the parent of an event must be one that is being consumed")
        if self.forwarding:
            self.forward()
        if event.origin is not entry:
            event.adopt(parent)
        if not targets:
            self.drop("unconnected")
            return
        if event._data is UNREAD:
            format_, content = entry.format, entry.body
        else:
            format_, content = event.encoded()
            if len(content) > MAX_BODY_BYTES:
                raise UnsendableData(_too_long(content))
        context = entry.context if event._context is None else event.encoded_context()
        trail = self._trails[entry.trail]
        ordinal = entry.ordinal
        entry.ordinal = ordinal + len(targets)
        for sender in targets:
            ordinal += 1
            id_ = (entry.id * MULTIPLIER + sender.salt + ordinal) & MASK  # derive_id, without its call
            parcel = Parcel(
                id_,
                entry.trace or entry.id,
                format_,
                content,
                context,
                entry.reply_to,
                entry.redelivered is not False,  # What is made of a suspect is marked, and no suspect.
                trail,
            )
            sender.put(parcel, entry, event)
        if not self.flush.due:
            self.flush.schedule()

    def forward(self) -> None:
        """Send the events in `forwarding` to the default outboxes: what `emit` does for one event, for all together.
        Each event is counted as pending already, once for each default connection."""
        entries, trails, came, goes = self.forwarding.copy(), self._trails, "", self.trail
        self.forwarding.clear()
        for sender in self._default:
            salt, special = sender.salt, False
            parcels: list[Parcel] = []
            append = parcels.append
            for entry in entries:
                ordinal = entry.ordinal = entry.ordinal + 1
                name = entry.id
                id_ = (name * MULTIPLIER + (salt + ordinal)) & MASK
                reply_to, redelivered = entry.reply_to, entry.redelivered
                if reply_to or redelivered:
                    special = True
                    redelivered = redelivered is not False
                if entry.trail != came:  # Mostly all of them came the same way.
                    came = entry.trail
                    goes = trails[came]
                trace = entry.trace or name
                append(Parcel(id_, trace, entry.format, entry.body, entry.context, reply_to, redelivered, goes))
            sender.put_all(parcels, entries, special)
        if not self.flush.due:
            self.flush.schedule()

    def emit_result(self, result: object, parent: Event) -> None:
        """Send what a consume gave back to the default outboxes.

        Raises:
            UnsendableData: it is neither an event nor events.
        """
        if result is parent or isinstance(result, Event):
            self.emit(result, self._default, parent)
        elif isinstance(result, Iterable) and not isinstance(result, str | bytes | dict):
            for event in result:
                if not isinstance(event, Event):
                    raise UnsendableData(no_event("consume gave", event, CONSUMED))
                self.emit(event, self._default, parent)
        else:
            raise UnsendableData(no_event("consume returned", result, CONSUMED))

    def emit_failure(self, event: Event, failure: Failure, inbox: str) -> None:
        """Send an event that failed to the error outbox, and tell whoever waits for its answer: should nobody answer it
        from there either, the failure is the answer. The source from which it came is told as well. Where there is no
        such outbox, what nobody waits for, and what was meant for nobody, becomes a dead letter."""
        entry = event.origin
        if self._error:
            if type(entry) is Delivery:
                entry.tell(failure_outcome(event, failure))
            self.emit(event.failed(failure), self._error, event)
            return
        awaited = entry is not None and bool(entry.reply_to) and not is_late(entry, int(monotonic() * 1000))
        if failure.status == UNEXPECTED or not awaited:
            self._dead_letter(event, failure, inbox)
        if type(entry) is Delivery:
            entry.tell(failure_outcome(event, failure))

    def emit_letter(self, context: bytes, event: Event) -> None:
        """Send the event as it came to the topology's dead-letter box, with another context. Whoever waits for its
        answer is no matter of the box's: a letter does not expire. The event waits for it.
        """
        entry = event.origin
        if type(entry) is not Delivery:
            raise TypeError("only an event that is being consumed becomes a dead letter")
        trail, redelivered = self._trails[entry.trail], entry.redelivered is not False
        for sender in self._letters:
            id_ = derive_id(entry.id, sender.salt, 0)  # The same however much was sent before it failed.
            trace = entry.trace or entry.id
            parcel = Parcel(id_, trace, entry.format, entry.body, context, None, redelivered, trail)
            sender.put(parcel, entry, event)
        self.flush.schedule()

    def expire(self, entry: Delivery) -> None:
        """Drop an event that nobody waits for any more."""
        self.drop("expired")
        entry.tell(expiry_outcome(self.actor))

    def emit_root(
        self,
        event: Event,
        targets: Sequence[Sender],
        finished: Callable[[], None],
        reply_to: ReplyTo | None = None,
        told: Callable[[Outcome], None] = ignore,
    ) -> None:
        """Send an event that begins here; `finished` is called in the hub when all that it became is done, and before
        that `told` with each outcome that comes up."""

        def end() -> None:
            self.ended()
            finished()

        self.emit_request(event, targets, Root(end, told), reply_to)

    def emit_request(self, event: Event, targets: Sequence[Sender], root: Entry, reply_to: ReplyTo | None) -> None:
        """Send an event that begins here; `root`, which counts 1 for this call, waits for it from now on. When it is
        done it has to call `ended`."""
        self._others += 1
        try:
            self.emit_entry(event, targets, root, reply_to)
        except BaseException:
            self._others -= 1
            raise
        settle(root)

    def begun(self, count: int) -> None:
        """So many events begin here, whose end `ended` tells."""
        self._others += count

    def ended(self, count: int = 1) -> None:
        """What `emit_request` began is finished."""
        self._others -= count

    def emit_entry(
        self,
        event: Event,
        targets: Sequence[Sender],
        entry: Entry,
        reply_to: ReplyTo | None = None,
        name: tuple[int, int] | None = None,
        redelivered: bool = False,
    ) -> None:
        """Send an event that begins here, under a new id, or under the `name` (id and trace) that it has; `entry` waits
        for it from now on."""
        if name is not None:
            id_, trace = name
        else:
            id_ = self.next_id()
            if event.origin is None:
                if not event._trace:
                    # Its first journey gives an event its name; a later one of the same object has another.
                    event._id = id_
                elif type(event._trace) is not int:
                    raise UnsendableData(f"the event is at {event.position}, {UNSETTLED}")
            trace = event.trace_number
        format_, content = event.encoded()
        context = event.encoded_context()
        if len(content) > MAX_BODY_BYTES:
            raise MalformedEvent(_too_long(content))
        origin = event.origin
        trail = self.trail if origin is None else self._trails[origin.trail]
        if len(targets) == 1:
            trace = 0 if trace == id_ else trace
            targets[0].put(Parcel(id_, trace, format_, content, context, reply_to, redelivered, trail), entry, event)
        elif not targets:
            self.drop("unconnected")
        else:
            for ordinal, sender in enumerate(targets):
                copy = derive_id(id_, sender.salt, ordinal)
                sender.put(Parcel(copy, trace, format_, content, context, reply_to, redelivered, trail), entry, event)
        if not self.flush.due:
            self.flush.schedule()

    @property
    def roots(self) -> int:
        """Events that began here and are not finished."""
        return self.source.pending - 1 + self._others

    def drop(self, reason: str) -> None:
        """Count an event that goes nowhere."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


def failure_outcome(event: Event, failure: Failure) -> Failed:
    """The outcome of an event that failed."""
    try:
        return Failed.of(failure, event.http)
    except ConversionError:  # Its context cannot be read.
        return Failed.of(failure)


def no_event(who: str, made: object, instead: str) -> str:
    """What an actor's author is told who gave something else than an event."""
    return f"{who} {reprlib.repr(made)}, of the type {type(made).__name__}; {instead}"


def _too_long(content: bytes) -> str:
    return f"the data has {len(content)} bytes; an event carries at most {MAX_BODY_BYTES}"
