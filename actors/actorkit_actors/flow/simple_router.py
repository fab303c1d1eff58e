"""The way whose name stands in the event."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import UnprocessableEvent
from actorkit.event.selector import Selector, View, text_of
from actorkit.graph import RESERVED


class SimpleRouter(Actor):
    """Sends each event to the outboxes whose names stand in it.

    Looked at is the value at one place of the event, by default its whole data: an outbox gets the event when its name
    is part of that. What names none goes to the outbox `default`.

    Boxes: any; `default`, for events that name none of them.

    Failures:
        UnprocessableEvent (422): the event names no outbox, and none called `default` is connected.
    """

    NAME: ClassVar[str] = "simple-router"

    class Params(Actor.Params, frozen=True, kw_only=True):
        at: Annotated[
            str, Meta(min_length=1, description="path from the event: data, data/kind, attributes/kind, service")
        ] = "data"
        default: Annotated[str, Meta(min_length=1, description="outbox of events that name no other")] = "default"

    params: Params

    def setup(self) -> None:
        """See which outboxes there are."""
        self._find = Selector(at=self.params.at).compile()
        self._names = [name for name in self.runtime.outboxes if name not in (*RESERVED, self.params.default)]

    def consume(self, event: Event) -> None:
        """Send the event where it names.

        Raises:
            UnprocessableEvent: it names nothing, and there is no default.
        """
        texts = [text_of(value) for value in self._find(View(event))]
        named = [name for name in self._names if any(name in text for text in texts)]
        if not named and self.params.default not in self.runtime.outboxes:
            raise UnprocessableEvent(f"the event names none of the outboxes {', '.join(self._names)}")
        for outbox in named or [self.params.default]:
            self.send(event, outbox)
