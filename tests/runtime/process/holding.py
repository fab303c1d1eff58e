"""Actors that hold events, for tests of how a graph of them stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent

from actorkit import Actor, Event, Held, JSONEvent


class Numbers(Actor):
    """Makes some numbers, and then nothing more for a long time."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int = 1000

    def produce(self) -> Iterator[Event]:
        for number in range(self.params.count):
            yield JSONEvent({"numbers": [number]})
        gevent.sleep(600)


class Gather(Actor):
    """Makes one event of many, which it holds until it has enough; or until no more will come, if it is told so."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        enough: int = 1_000_000

    params: Params

    def setup(self) -> None:
        self.held: list[tuple[Held, JSONEvent]] = []
        self.told = 0

    def consume(self, event: JSONEvent) -> None:
        self.held.append((self.hold(event), event))
        if len(self.held) >= self.params.enough:
            self._let_go()

    def _let_go(self) -> None:
        held, self.held = self.held, []
        if held:
            numbers = [number for _, event in held for number in event.data["numbers"]]
            for handle, _ in held[1:]:
                handle.complete()
            held[0][0].complete(held[0][1].replace({"numbers": numbers}))

    def end_input(self) -> None:
        self.told += 1
        self.log.info("told %d times; lets go of %d", self.told, len(self.held))
        self._let_go()


class Around(Gather):
    """Sends what comes for the first time to itself, and holds it the second time."""

    OUTBOXES = ("again",)

    def consume(self, event: JSONEvent) -> None:
        if event.get("again"):
            super().consume(event)
        else:
            self.send(event.replace(again=True), "again")


class Count(Actor):
    """Writes the numbers that came to a file, one line for each event."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str

    params: Params

    def setup(self) -> None:
        self.file = Path(self.params.file).open("a")  # noqa: SIM115  # teardown closes it

    def consume(self, event: JSONEvent) -> None:
        self.file.write(" ".join(map(str, event.data["numbers"])) + "\n")
        self.file.flush()

    def teardown(self) -> None:
        self.file.close()
