"""The actors that the benchmarks run, and the bare ZeroMQ programs that they are measured against."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import zmq
import zmq.backend

from actorkit import Actor, Event
from actorkit.actor import Held
from actorkit.edge import wire
from actorkit.event.body import BYTES
from actorkit.event.parcel import Parcel
from actorkit.transport import topology_keys
from actorkit.transport.curve import present_keys
from actorkit.transport.topology_keys import TopologyKeys

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


class Texts(Actor):
    """Makes `count` events of a text, as fast as it may, each with an attribute."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int
        text: str

    def produce(self) -> Iterator[Event]:
        for _ in range(self.params.count):
            yield Event(self.params.text, attributes={"kind": "order"})


class Pass(Actor):
    """Sends on what it gets."""

    def consume(self, event: Event) -> Event:
        return event


class Sink(Actor):
    """Writes events per second to a file when all have come."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int
        file: str
        warm_up: int = WARM_UP

    def setup(self) -> None:
        self.seen = 0
        self.count, self.warm_up = self.params.count, self.params.warm_up
        self.begun = 0.0

    def consume(self, event: Event) -> None:
        self.seen += 1
        if self.seen == self.warm_up:
            self.begun = time.perf_counter()
        elif self.seen == self.count:
            rate = (self.count - self.warm_up) / (time.perf_counter() - self.begun)
            Path(self.params.file).write_text(str(rate))


class Ticker(Actor):
    """Makes `per_s` events a second, each with the time at which it was made."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int
        per_s: float

    def produce(self) -> Iterator[Event]:
        due = time.monotonic()
        for _ in range(self.params.count):
            due += 1 / self.params.per_s
            gevent.sleep(max(due - time.monotonic(), 0))
            yield Event(b"%020d" % time.monotonic_ns() + b"x" * 80)


class Clock(Actor):
    """Writes the age of the events it gets, p50 and p99 in microseconds, to a file when all have come."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int
        file: str

    def setup(self) -> None:
        self.ages: list[int] = []

    def consume(self, event: Event) -> None:
        self.ages.append(time.monotonic_ns() - int(event.data[:20]))
        if len(self.ages) == self.params.count:
            Path(self.params.file).write_text(percentiles(self.ages[self.params.count // 10 :]))


class Holder(Actor):
    """Holds all that comes, and keeps a file up to date with how much that is."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str

    def setup(self) -> None:
        self.held: list[Held] = []
        gevent.spawn(self.tell)

    def tell(self) -> None:
        while True:
            Path(self.params.file).write_text(str(len(self.held)))
            gevent.sleep(0.1)

    def consume(self, event: Event) -> None:
        self.held.append(self.hold(event))


class Idle(Actor):
    """Waits for events that never come."""

    def consume(self, event: Event) -> None:
        return None


def percentiles(ages_ns: list[int]) -> str:
    """p50 and p99 in microseconds, as text."""
    ordered = sorted(ages_ns)
    return f"{ordered[len(ordered) // 2] / 1000:.1f} {ordered[len(ordered) * 99 // 100] / 1000:.1f}"


def tick(endpoint: str, count: int, per_s: float) -> None:
    """The floor's sender of timed messages; waits in gevent, as an actor does."""
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(endpoint)
        due = time.monotonic()
        for _ in range(count):
            due += 1 / per_s
            gevent.sleep(max(due - time.monotonic(), 0))
            socket.send(b"%020d" % time.monotonic_ns() + b"x" * 80)


def clock(endpoint: str, count: int, file: str) -> None:
    """The floor's receiver of timed messages."""
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.bind(endpoint)
        ages = []
        for _ in range(count):
            made = int(socket.recv()[:20])
            ages.append(time.monotonic_ns() - made)
        Path(file).write_text(percentiles(ages[count // 10 :]))


def keys() -> TopologyKeys | None:
    """The pair for a floor over CURVE."""
    file = os.environ.get("ACTORKIT_KEYS")
    return topology_keys.read(Path(file)) if file else None


def push(endpoint: str, count: int, size_bytes: int) -> None:
    """The floor's sender: one message an event, PUSH."""
    body = b"x" * size_bytes
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        if (pair := keys()) is not None:
            present_keys(socket, pair.client)
        socket.connect(endpoint)
        send = socket.send
        for _ in range(count):
            send(body)


def pull(endpoint: str, count: int, file: str) -> None:
    """The floor's receiver."""
    warm_up = min(WARM_UP, count // 10)
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        if (pair := keys()) is not None:
            socket.curve_server, socket.curve_secretkey = True, pair.secret_key.encode()
        socket.bind(endpoint)
        recv = socket.recv
        for _ in range(warm_up):
            recv()
        begun = time.perf_counter()
        for _ in range(count - warm_up):
            recv()
        Path(file).write_text(str((count - warm_up) / (time.perf_counter() - begun)))


def push_batches(endpoint: str, count: int, size_bytes: int) -> None:
    """Sends the frames that a backlog makes of such events, and nothing else: no ledger, no acknowledgement."""
    body, sent, frame = b"x" * size_bytes, 0, bytearray()
    many = min(wire.MAX_BATCH, max(1, wire.MAX_BATCH_BYTES // size_bytes))
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(endpoint)
        send = zmq.backend.Socket.send.__get__(socket)
        while sent < count:
            parcels = [Parcel(number, 0, BYTES, body, b"", None, False, "source") for number in range(many)]
            wire.encode_into(wire.Outgoing(sent + 1, parcels, False), frame)
            send(frame)
            sent += many


def pull_batches(endpoint: str, count: int, file: str) -> None:
    """Reads such frames into events, and does nothing with them."""
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.bind(endpoint)
        recv = zmq.backend.Socket.recv.__get__(socket)
        got = first = 0
        begun = 0.0
        while got < count:
            batch = wire.decode_from_sender(recv(0, False).buffer)
            got += len(batch.parcels) if isinstance(batch, wire.Batch) else 0
            if not begun and got >= min(WARM_UP, count // 10):
                begun, first = time.perf_counter(), got
        Path(file).write_text(str((got - first) / (time.perf_counter() - begun)))


if __name__ == "__main__":
    role, endpoint, count, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    if role == "tick":
        tick(endpoint, count, float(last))
    elif role.startswith("push"):
        {"push": push, "push-batches": push_batches}[role](endpoint, count, int(last))
    else:
        {"pull": pull, "pull-batches": pull_batches, "clock": clock}[role](endpoint, count, last)
