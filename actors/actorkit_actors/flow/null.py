"""The end of a line."""

from __future__ import annotations

from actorkit import Actor, Event


class Null(Actor):
    """Takes events and sends nothing; whoever waits for an answer learns that there is none."""

    SETTLES = "at once"
    REPEATS = "yes"

    def consume(self, event: Event) -> None:
        """Be done with the event."""
