"""The actors of `kit chaos --kill-sources`: sources that settle with the outside, and a sink that stores by key."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import gevent
from msgspec import Meta

from actorkit import Actor, Event, JSONEvent, Position, Settlement
from actorkit.event.body import TEXT
from actorkit_kit.chaos.outside import STREAM, floor_file, open_outbox
from actorkit_kit.chaos.probes import FORMATS, POLL_INTERVAL_S
from actorkit_kit.chaos.records import open_arrivals, store_arrival


class _Source(Actor):
    """Makes an event of each order of the outside."""

    SETTLES = "when the floor is written (file), when the row is deleted (database)"
    REPEATS = "by key"

    class Params(Actor.Params, frozen=True, kw_only=True):
        """Parameters of the actor."""

        outside: Annotated[str, Meta(description="file that the orders are in")]
        body: Annotated[str, Meta(description="file with the body of each event; none: its number as JSON")] = ""

    params: Params

    def setup(self) -> None:
        """Read the body."""
        self._path = Path(self.params.outside)
        path = Path(self.params.body)
        self._body = (FORMATS.get(path.suffix, TEXT), path.read_bytes()) if self.params.body else None

    def _event(self, number: int) -> Event:
        position = Position(STREAM, number)
        if self._body:
            return Event.unread(*self._body, position=position)
        return JSONEvent({"number": number}, position=position)


class FileSource(_Source):
    """Follows a file, and writes down up to which line all is settled."""

    def produce(self) -> Iterator[Event]:
        """Make an event of each line behind the floor."""
        floor = floor_file(self._path)
        number = int(floor.read_text()) + 1 if floor.exists() else 0
        with self._path.open() as file:
            for _ in range(number):
                file.readline()
            while not self.runtime.draining:
                begun = file.tell()
                if file.readline().endswith("\n"):
                    yield self._event(number)
                    number += 1
                else:
                    file.seek(begun)
                    gevent.sleep(POLL_INTERVAL_S)

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:  # noqa: ARG002  # the floor is enough
        """Write the floor down."""
        if STREAM in floors:
            floor = floor_file(self._path)
            new = floor.with_suffix(".new")
            new.write_text(str(floors[STREAM]))
            new.replace(floor)


class DatabaseSource(_Source):
    """Takes rows of an outbox table, deletes what is done and parks what failed."""

    def setup(self) -> None:
        """Open the database."""
        super().setup()
        self._database: sqlite3.Connection = open_outbox(self._path)

    def teardown(self) -> None:
        """Close the database."""
        self._database.close()

    def produce(self) -> Iterator[Event]:
        """Make an event of each row."""
        last = -1
        while not self.runtime.draining:
            query = "select id from outbox where id > ? and not parked order by id limit 100"
            rows = self._database.execute(query, (last,)).fetchall()
            for (number,) in rows:
                yield self._event(number)
                last = number
            if not rows:
                gevent.sleep(POLL_INTERVAL_S)

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:  # noqa: ARG002  # each row by itself
        """Delete and park rows, all in one transaction."""
        self._database.execute("begin immediate")
        for settlement in settlements:
            wanted = "update outbox set parked = 1" if settlement.failed else "delete from outbox"
            self._database.execute(f"{wanted} where id = ?", (settlement.position.at,))
        self._database.execute("commit")


class KeyedSink(Actor):
    """Stores every event that arrives by its key: one that comes again changes nothing but a count."""

    SETTLES = "when the row is committed"
    REPEATS = "by key"

    class Params(Actor.Params, frozen=True, kw_only=True):
        """Parameters of the actor."""

        seen: Annotated[str, Meta(description="database to store in what arrives")]

    params: Params

    def setup(self) -> None:
        """Open the database."""
        self._seen = open_arrivals(Path(self.params.seen))

    def teardown(self) -> None:
        """Close the database."""
        self._seen.close()

    def consume(self, event: Event) -> None:
        """Store it."""
        store_arrival(self._seen, event.key, event.failure is not None)
