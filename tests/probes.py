"""Small actors that tests run as processes."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gevent

from actorkit import Actor, Event, JSONEvent, MalformedEvent


class Source(Actor):
    """Makes the numbers from 0 up."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int = 1000
        pause_s: float = 0.0

    def produce(self) -> Iterator[Event]:
        for number in range(self.params.count):
            if self.params.pause_s:
                gevent.sleep(self.params.pause_s)
            yield JSONEvent({"number": number})


class Pass(Actor):
    """Gives back what it gets, after a while."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        pause_s: float = 0.0
        fail_every: int = 0

    def consume(self, event: JSONEvent) -> Event:
        if self.params.pause_s:
            gevent.sleep(self.params.pause_s)
        if self.params.fail_every and event.data["number"] % self.params.fail_every == 0:
            raise MalformedEvent("not this one")
        return event


class Busy(Pass):
    """Blocks its process while it consumes."""

    def consume(self, event: JSONEvent) -> Event:
        end = time.perf_counter() + self.params.pause_s
        while time.perf_counter() < end:
            pass
        return event


class Sink(Actor):
    """Counts what it gets; writes number → times to a file at the end."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str
        pause_s: float = 0.0

    def setup(self) -> None:
        self.seen: Counter[int] = Counter()
        self.order: list[int] = []

    def consume(self, event: JSONEvent) -> None:
        if self.params.pause_s:
            gevent.sleep(self.params.pause_s)
        self.seen[event.data["number"]] += 1
        self.order.append(event.data["number"])

    def teardown(self) -> None:
        content = {"seen": {str(key): value for key, value in self.seen.items()}, "order": self.order}
        Path(self.params.file).write_text(json.dumps(content))


class Broken(Actor):
    """Cannot be set up."""

    def setup(self) -> None:
        raise OSError("the disk is on fire")

    def consume(self, event: Event) -> None:
        return None


class Exit(BaseException):
    """No `Exception`: nothing that handles those handles it."""


class Leaver(Actor):
    """Ends its worker."""

    def consume(self, event: Event) -> None:
        raise Exit("bye")


class Lap(Actor):
    """Sends an event on to `again` until it has passed `laps` times, then to `out`."""

    OUTBOXES = ("again", "out")

    class Params(Actor.Params, frozen=True, kw_only=True):
        laps: int = 5

    def consume(self, event: JSONEvent) -> None:
        lap = event.get("lap", 0) + 1
        self.send(event.replace(lap=lap), "again" if lap < self.params.laps else "out")


class Poisoned(Actor):
    """Passes events on, but for one number, which ends its process `how`."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        number: int
        how: str

    def consume(self, event: JSONEvent) -> Event:
        if event.data["number"] == self.params.number:
            end(self.params.how)
        return event


def end(how: str) -> None:
    """End the process, or block it."""
    match how:
        case "exit":
            os._exit(9)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            ctypes.string_at(0)
        case "loop":
            while True:
                pass
        case "sleep in C":
            ctypes.PyDLL(None).sleep(600)  # unlike CDLL, it keeps the interpreter
        case "wait":
            gevent.sleep(600)
        case "SystemExit":
            raise SystemExit(3)
        case "KeyboardInterrupt":
            raise KeyboardInterrupt
        case "CancelledError":
            raise asyncio.CancelledError
        case "GreenletExit":
            gevent.getcurrent().kill()
        case "Timeout":
            raise gevent.Timeout(1)


class Quitter(Actor):
    """A source whose greenlet is killed by its own code."""

    def produce(self) -> Iterator[Event]:
        yield JSONEvent(1)
        gevent.getcurrent().kill()
