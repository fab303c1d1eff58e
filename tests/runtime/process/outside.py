"""An outside for processes of tests: a file whose lines are sent, and a file in which they arrive."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import gevent

from actorkit import Actor, Event, JSONEvent, Position, Settlement


class Lines(Actor):
    """Sends each line of a file; how far it is settled stands in a file beside it."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str
        pause_s: float = 0.001

    params: Params

    def setup(self) -> None:
        self._settled = Path(f"{self.params.file}.settled")

    def produce(self) -> Iterator[Event]:
        begin = int(self._settled.read_text()) + 1 if self._settled.exists() else 0
        with Path(self.params.file).open() as lines:
            for number, line in enumerate(lines):
                if number >= begin:
                    yield JSONEvent({"number": int(line)}, position=Position("orders", number))
                    gevent.sleep(self.params.pause_s)

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:
        for floor in floors.values():
            new = self._settled.with_suffix(".new")
            new.write_text(str(floor))
            new.replace(self._settled)


class Journal(Actor):
    """Writes down each event as it comes, with its key."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str

    params: Params

    def setup(self) -> None:
        self._file = os.open(self.params.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def consume(self, event: JSONEvent) -> None:
        os.write(self._file, f"{event.data['number']} {event.key}\n".encode())
