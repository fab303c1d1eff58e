"""The events of a batch."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from actorkit import Actor, Event, JSONEvent
from actorkit.errors import MalformedEvent
from actorkit_actors.flow.packed import unpack


class Unbatch(Actor):
    """Makes the events of a batch again.

    A batch is what [batch](batch.md) makes. Each event has its data, format, attributes and service as before; its
    trace is that of the batch. Its id follows from that of the batch and its place there, so that it is known again
    when the batch comes a second time. A batch with anything wrong in it fails as a whole, and nothing of it goes on.

    Failures:
        MalformedEvent (400): the event is no batch, or has more than `max_events`; the message names what is wrong.
    """

    NAME: ClassVar[str] = "unbatch"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        max_events: Annotated[int, Meta(ge=1, description="most events of one batch")] = 100_000

    params: Params

    def consume(self, event: JSONEvent) -> list[Event]:
        """Make the events.

        Raises:
            MalformedEvent: they cannot be made.
        """
        data = event.data
        if not isinstance(data, list):
            raise MalformedEvent("the event is no batch: its data is no list")
        if len(data) > self.params.max_events:
            raise MalformedEvent(f"the batch has {len(data)} events, more than {self.params.max_events} (max_events)")
        parent, made = event.convert(Event), []
        for number, value in enumerate(data):
            try:
                made.append(unpack(value, parent))
            except MalformedEvent as exc:
                raise MalformedEvent(f"event {number} of the batch: {exc.message}") from exc
        return made
