"""Small actors around mdp-client and mdp-worker, for tests that run them as processes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import gevent

from actorkit import Actor, Event, JSONEvent, MalformedEvent
from actorkit_actors.mdp.mdp_worker import MDPWorker


class Asker(Actor):
    """Makes the numbers from 0 up, each for the next of its services."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int = 100
        services: tuple[str, ...] = ("",)

    def produce(self) -> Iterator[Event]:
        for number in range(self.params.count):
            yield JSONEvent({"number": number}, service=self.params.services[number % len(self.params.services)])


class Answerer(Actor):
    """Answers with the number and the service that was asked, after a while; refuses some; notes what it has done."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str
        pause_s: float = 0.0
        refused: tuple[int, ...] = ()

    def consume(self, event: JSONEvent) -> Event:
        number = event.data["number"]
        note(self.params.file, {"number": number})
        if number in self.params.refused:
            raise MalformedEvent(f"{number} is refused")
        if self.params.pause_s:
            gevent.sleep(self.params.pause_s)
        return event.replace({"number": number, "asked": event.service})


class Notes(Actor):
    """Notes each event, a line of JSON, with the status of its failure."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str

    def consume(self, event: JSONEvent) -> None:
        failure = event.failure
        status = failure.status if failure is not None else 0
        message = failure.message if failure is not None else ""
        note(self.params.file, {**event.data, "status": status, "message": message})


class Hog(MDPWorker):
    """Has its process to itself for a while before it answers, as a handler that computes does."""

    class Params(MDPWorker.Params, frozen=True, kw_only=True):
        hog_s: float = 1.0

    params: Params

    def answer(self, service: str, frames: Sequence[bytes]) -> list[bytes]:
        end = time.perf_counter() + self.params.hog_s
        while time.perf_counter() < end:
            pass
        return super().answer(service, frames)


def note(file: str, line: object) -> None:
    """Append a line in one write, so that what was noted survives a SIGKILL."""
    with Path(file).open("a") as out:
        out.write(json.dumps(line) + "\n")
