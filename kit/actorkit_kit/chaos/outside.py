"""The outside that a source which is killed takes its events from: a file that grows, or a database's outbox.

The outside is never killed. It gives orders at an even pace, writes down the trace of the event that the source has
to make of each, and knows which are settled.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from actorkit.event.position import Namer, Position
from actorkit_kit.chaos.records import MADE

#: Time between two looks whether orders are due, in seconds.
POLL_INTERVAL_S: Final = 0.02
#: How long one waits for the database while another writes, in seconds.
BUSY_S: Final = 60.0
#: The stream that the orders are in.
STREAM: Final = "orders"


class Store(Protocol):
    """Where orders are until they are settled."""

    def add(self, numbers: Iterable[int]) -> None: ...

    def left(self, made: int) -> int:
        """How many of the first `made` orders are not settled."""

    def numbers_left(self, made: int) -> Iterable[int]:
        """Their numbers."""


class LinesFile:
    """A file with a line for each order; a source writes into a second one up to which line all is settled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, numbers: Iterable[int]) -> None:
        os.write(self._file, "".join(f"{number}\n" for number in numbers).encode())

    def left(self, made: int) -> int:
        return len(self.numbers_left(made))

    def numbers_left(self, made: int) -> range:
        floor = floor_file(self._path)
        return range((int(floor.read_text()) if floor.exists() else -1) + 1, made)


def floor_file(path: Path) -> Path:
    """Where it stands up to which line of a file all is settled."""
    return path.with_suffix(".floor")


class OutboxTable:
    """A table with a row for each order; a source deletes what is done, and parks what failed."""

    def __init__(self, path: Path) -> None:
        self._database = open_outbox(path)

    def add(self, numbers: Iterable[int]) -> None:
        self._database.execute("begin immediate")
        self._database.executemany("insert into outbox (id) values (?)", [(number,) for number in numbers])
        self._database.execute("commit")

    def left(self, made: int) -> int:  # noqa: ARG002  # the table knows
        (count,) = self._database.execute("select count(*) from outbox where not parked").fetchone()
        return int(count)

    def numbers_left(self, made: int) -> list[int]:
        found = self._database.execute("select id from outbox where not parked and id < ?", [made])
        return [int(number) for (number,) in found]


def open_outbox(path: Path) -> sqlite3.Connection:
    """The database with the orders. What a killed process has committed stays; only a machine that stops loses it."""
    database = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = off")
    database.execute("create table if not exists outbox (id integer primary key, parked integer not null default 0)")
    return database


#: What `--kill-sources` may name → where orders are then, and the class of the source that takes them from there.
OUTSIDES: Final[dict[str, tuple[type[LinesFile | OutboxTable], str]]] = {
    "file": (LinesFile, "FileSource"),
    "database": (OutboxTable, "DatabaseSource"),
}


class Outside:
    """Gives orders to one source, `rate` a second as long as there are fewer than its quota."""

    def __init__(self, store: Store, made: Path, topology: str, source: str, rate: float) -> None:
        self._store = store
        self._made = os.open(made, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._namer = Namer(topology, source)
        self._rate = rate
        self._quota = 0
        self._count = 0

    def set_quota(self, most: int) -> None:
        """How many orders to give in all; 0: no more than there are."""
        self._quota = most

    async def run(self) -> None:
        """Give orders until it is cancelled."""
        due, looked = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            now = time.monotonic()
            due, looked = min(due + (now - looked) * self._rate, self._rate), now
            count = min(int(due), self._quota - self._count)
            if count > 0:
                due -= count
                self._give(range(self._count, self._count + count))

    def unsettled_traces(self) -> frozenset[int]:
        """The traces of orders that are not settled: the outside has them yet, so they are not lost."""
        return frozenset(self._trace(number) for number in self._store.numbers_left(self._count))

    def _trace(self, number: int) -> int:
        _, trace = self._namer.name(Position(STREAM, number))
        return trace

    def _give(self, numbers: range) -> None:
        at_ns = time.monotonic_ns()
        os.write(self._made, b"".join(MADE.pack(self._trace(number), at_ns) for number in numbers))
        self._store.add(numbers)
        self._count = numbers.stop

    @property
    def unsettled(self) -> int:
        """How many orders are not settled; -1 while there are fewer than there shall be."""
        return self._store.left(self._count) if self._count >= self._quota else -1
