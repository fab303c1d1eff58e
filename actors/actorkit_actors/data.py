"""Events with other data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta

from actorkit import Actor, Event
from actorkit.params import Problem
from actorkit_actors.fixed import Fixed, Format, checked


class Data(Actor):
    """Gives every event the same data, and attributes if there are any; the rest of the event stays."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        data: Annotated[Any, Meta(description="what the events get: a text, or any JSON value", extra={"file": True})]
        format: Annotated[
            Format, Meta(description="what data is read as; auto: a text stays text, anything else is JSON")
        ] = "auto"
        attributes: Annotated[dict[str, Any], Meta(description="attributes that the events get as well")] = {}

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        return checked(params.data, params.format)

    def setup(self) -> None:
        """Read the value."""
        self._fixed = Fixed(self.params.data, self.params.format)

    def consume(self, event: Event) -> Event:
        """Replace the data."""
        return event.replace(self._fixed.data(), **self.params.attributes)
