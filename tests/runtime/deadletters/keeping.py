"""One event into a box of dead letters, as an actor keeps it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from actorkit import Event, Failure
from actorkit.deadletters.box import Box

#: Why it failed, where that does not matter.
SOME: Final = Failure("X", "x")


def keep(folder: Path, event: Event, failure: Failure = SOME) -> None:
    """The event has failed at the actor `down`."""
    with closing(Box(folder, "down", "down-1")) as box:
        box.put(event, failure, "up")
