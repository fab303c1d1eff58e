"""Events with other data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from actorkit import Actor, Event
from actorkit.params import Problem
from actorkit_actors.flow.fixed import Fixed, FixedParams, problems


class Data(Actor):
    """Gives every event the same data, and attributes if there are any; the rest of the event stays."""

    NAME: ClassVar[str] = "data"
    EXTRA: ClassVar[str] = "xml"

    class Params(FixedParams, frozen=True, kw_only=True):
        """Parameters of the actor."""

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        return problems(params)

    def setup(self) -> None:
        """Read the value."""
        self._fixed = Fixed(self.params)

    def consume(self, event: Event) -> Event:
        """Replace the data."""
        return event.replace(self._fixed.data(), **self.params.attributes)
