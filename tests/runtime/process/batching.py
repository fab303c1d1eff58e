"""An actor that takes batches, for tests of what ends one."""

from __future__ import annotations

import os

from actorkit import Actor, Event, JSONEvent


class PoisonedBatch(Actor):
    """Passes batches on, unless one has a certain number in it: that ends the process."""

    class Params(Actor.BatchParams, frozen=True, kw_only=True):
        number: int
        how: str

    params: Params

    def consume_batch(self, events: list[JSONEvent]) -> list[Event]:
        if any(event.data["number"] == self.params.number for event in events):
            if self.params.how == "crash":
                os._exit(9)
            raise SystemExit(3)
        return list(events)
