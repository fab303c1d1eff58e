"""Graphs in one process for tests: the actor that asks, and the one that keeps."""

from __future__ import annotations

from actorkit import Actor, Event
from actorkit.director import Director


class Asker(Actor):
    ANSWERS = True


class Keep(Actor):
    """Keeps what it gets."""

    def setup(self) -> None:
        self.kept: list[Event] = []

    def consume(self, event: Event) -> None:
        self.kept.append(event)


def asker(director: Director) -> Actor:
    return director.host("asker").actor


def begin(director: Director) -> Actor:
    director.start(block=False)
    director.wait_ready()
    return asker(director)
