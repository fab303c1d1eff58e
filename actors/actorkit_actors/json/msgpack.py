"""MessagePack, to JSON and back."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from actorkit import Actor, Event, JSONEvent
from actorkit.event import messagepack


class MsgPack(Actor):
    """Makes JSON of MessagePack (`to: json`), or MessagePack of JSON (`to: msgpack`).

    A timestamp becomes its text. What JSON has no words for fails the event: bytes in the data, keys that are no texts,
    NaN, and extension types.

    Failures:
        MalformedEvent (400): the data is no MessagePack, or holds what the other has no words for (whole numbers of
            more than 64 bits, on the way to MessagePack).
    """

    NAME: ClassVar[str] = "msgpack"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        to: Annotated[Literal["json", "msgpack"], Meta(description="what the new data is")] = "json"

    params: Params

    def consume(self, event: Event) -> Event:
        """Make the one of the other."""
        if self.params.to == "msgpack":
            return event.become(Event, messagepack.write(event.convert(JSONEvent).data))
        return event.become(JSONEvent, messagepack.read(event.encoded()[1]))
