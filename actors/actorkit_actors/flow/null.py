"""The end of a line."""

from __future__ import annotations

from typing import ClassVar

from actorkit import Actor, Event


class Null(Actor):
    """Takes events and sends nothing; whoever waits for an answer learns that there is none."""

    NAME: ClassVar[str] = "null"

    def consume(self, event: Event) -> None:
        """Be done with the event."""
