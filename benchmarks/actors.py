"""The actors that the benchmarks run, and the bare ZeroMQ programs that they are measured against."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import zmq

from actorkit import Actor, Event

#: Events at the beginning that are not measured: connections are made, code is warm.
WARM_UP = 5_000


class Source(Actor):
    """Makes `count` events of `size_bytes` as fast as it may."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int
        size_bytes: int

    def produce(self) -> Iterator[Event]:
        body = b"x" * self.params.size_bytes
        for _ in range(self.params.count):
            yield Event(body)


class Pass(Actor):
    """Sends on what it gets."""

    def consume(self, event: Event) -> Event:
        return event


class Sink(Actor):
    """Writes events per second to a file when all have come."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int
        file: str

    def setup(self) -> None:
        self.seen = 0
        self.count = self.params.count
        self.begun = 0.0

    def consume(self, event: Event) -> None:
        self.seen += 1
        if self.seen == WARM_UP:
            self.begun = time.perf_counter()
        elif self.seen == self.count:
            rate = (self.count - WARM_UP) / (time.perf_counter() - self.begun)
            Path(self.params.file).write_text(str(rate))


def push(endpoint: str, count: int, size_bytes: int) -> None:
    """The floor's sender: one message an event, PUSH."""
    body = b"x" * size_bytes
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(endpoint)
        send = socket.send
        for _ in range(count):
            send(body)


def pull(endpoint: str, count: int, file: str) -> None:
    """The floor's receiver."""
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.bind(endpoint)
        recv = socket.recv
        for _ in range(WARM_UP):
            recv()
        begun = time.perf_counter()
        for _ in range(count - WARM_UP):
            recv()
        Path(file).write_text(str((count - WARM_UP) / (time.perf_counter() - begun)))


if __name__ == "__main__":
    if sys.argv[1] == "push":
        push(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        pull(sys.argv[2], int(sys.argv[3]), sys.argv[4])
