"""A sink of lists of numbers, for tests of what makes one event of several."""

from __future__ import annotations

from pathlib import Path

import msgspec

from actorkit import Actor, JSONEvent


class Collect(Actor):
    """Writes the numbers of each event to a file, as a line."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str

    params: Params

    def consume(self, event: JSONEvent) -> None:
        with Path(self.params.file).open("ab") as file:
            file.write(msgspec.json.encode([one["number"] for one in event.data]) + b"\n")
