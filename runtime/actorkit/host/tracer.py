"""Tells a collector the way of the events that an instance records: two spans for each event.

The event's own, whose id is the event's: it is made where the event is sent, under the event that it was made of. And
what its consume does, under it. A second run makes the same ids again: an event that is sent once more has no second
place in the trace. What begins in a source or by HTTP is told of by the first that consumes it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from actorkit.edge import wire
from actorkit.edge.ledger import Entry
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.sender import Sender
from actorkit.event import Event
from actorkit.event.parcel import Parcel
from actorkit.host.heads import context_of
from actorkit.observe import trace_context
from actorkit.observe.otlp import CONSUMER, PRODUCER, Exporter, Span

if TYPE_CHECKING:
    from actorkit.host.host import Host


class Tracer:
    """Stands before the outboxes of a host, and listens to what it records."""

    def __init__(self, host: Host, exporter: Exporter, every: int) -> None:
        self._actor = host.name
        self._instance = host.instance
        self._exporter = exporter
        self._end = (1 << 64) // every
        trace_context.export_below(self._end)
        host.recent.tell = self._note_consume
        for connector in host.all_connectors:
            self._follow(connector.sender)

    def _follow(self, sender: Sender) -> None:
        """Look at the traces of what is put into an outbox."""
        put, put_all, end = sender.put, sender.put_all, self._end

        def look(parcel: Parcel, entry: Entry, event: Event) -> None:
            if parcel.trace and parcel.trace < end:
                self._note_send(sender, parcel, entry, event)
            put(parcel, entry, event)

        def look_at_all(parcels: Sequence[Parcel], entries: Sequence[Entry], special: bool) -> None:
            for parcel, entry in zip(parcels, entries, strict=True):
                if parcel.trace and parcel.trace < end:
                    self._note_send(sender, parcel, entry, None)
            put_all(parcels, entries, special)

        sender.put = look  # type: ignore[method-assign]  # so nothing is done for it where nobody wants traces
        sender.put_all = look_at_all  # type: ignore[method-assign]

    def _note_send(self, sender: Sender, parcel: Parcel, entry: Entry, event: Event | None) -> None:
        """An event leaves that is not the first of its trace."""
        now = time.time_ns()
        headers = _headers_of(parcel)
        known = trace_context.read(headers, parcel.trace)
        parent = entry.id if isinstance(entry, wire.Delivery) else parcel.trace
        if event is not None and event.origin is None and event.number == parcel.trace:
            # It begins here, and goes several ways at once, under a name for each.
            self._put(parcel.trace, known.span, known.trace, self._actor, self._actor, now, parcel)
        name = f"{self._actor}.{sender.outbox}"
        self._put(parcel.id, f"{parent:016x}", known.trace, name, self._actor, now, parcel)

    def _note_consume(
        self, session: ReceiveSession, parcel: wire.Delivery, begun: float, seconds: float, failure: str
    ) -> None:
        begun_ns = int(begun * 1e9)
        known = trace_context.read(_headers_of(parcel), parcel.trace or parcel.id)
        if not parcel.trace:
            name = f"{session.actor}.{session.outbox}"
            self._put(parcel.id, known.span, known.trace, name, session.actor, begun_ns, parcel)
        own = blake2b(f"{parcel.id:016x}{self._instance}".encode(), digest_size=8).hexdigest()
        attributes: dict[str, str | int] = {
            "messaging.system": "actorkit",
            "messaging.destination.name": f"{self._actor}.{session.inbox}",
            "messaging.message.id": f"{parcel.id:016x}",
            "messaging.message.body.size": len(parcel.body),
            "actorkit.from": session.instance,
        }
        self._exporter.put(
            Span(
                known.trace,
                own,
                f"{parcel.id:016x}",
                self._actor,
                CONSUMER,
                self._actor,
                begun_ns,
                begun_ns + int(seconds * 1e9),
                attributes,
                failure,
            )
        )

    def _put(self, id_: int, parent: str, trace: str, name: str, actor: str, now: int, parcel: Parcel) -> None:
        attributes: dict[str, str | int] = {"messaging.system": "actorkit", "actorkit.trail": parcel.trail}
        self._exporter.put(Span(trace, f"{id_:016x}", parent, name, PRODUCER, actor, now, now, attributes))


def _headers_of(parcel: Parcel) -> Mapping[str, Any] | None:
    context = context_of(parcel)
    return context.http.headers if context is not None and context.http is not None else None
