"""An actor with nothing to it but time."""

from __future__ import annotations

from typing import Annotated

import gevent
from msgspec import Meta

from actorkit import Actor, Event


class Pass(Actor):
    """Gives back what it gets, after a while."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        pause_s: Annotated[float, Meta(ge=0, description="time that each event takes")] = 0.0

    params: Params

    def consume(self, event: Event) -> Event:
        """Wait, and give it back."""
        if self.params.pause_s:
            gevent.sleep(self.params.pause_s)
        return event
