"""Numbers that go through a release from one table to another: what is missing, and what came twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from tests.actors.sql.postgres import Server
from tests.until import until

#: Numbers a second.
RATE: Final = 50
#: The rows that leave, those that arrived by their keys, and every arrival.
TABLES: Final = """\
create table numbers (id bigint generated always as identity primary key, number bigint not null);
create table kept (event_key text primary key, number bigint not null)
"""


@dataclass(frozen=True)
class Verdict:
    """What became of the numbers that were written."""

    sent: int
    lost: int
    twice: int


class Stream:
    """Writes numbers, in a thread of its own, until it is ended."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ended = threading.Event()
        self._sent = 0
        for statement in TABLES.split(";"):
            server.ask(statement)
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        with self._server.connect() as connection:
            while not self._ended.wait(1 / RATE):
                connection.execute("insert into numbers (number) values (%s)", [self._sent])
                connection.execute("notify numbers")
                connection.commit()
                self._sent += 1

    def end(self) -> Verdict:
        """Write no more, wait until nothing is under way, and count."""
        self._ended.set()
        self._thread.join()
        until(lambda: self._one("select count(*) from numbers") == 0, "all numbers have left", timeout_s=120)
        return self.count()

    def count(self) -> Verdict:
        """What arrived of all that was written."""
        arrived = self._one("select count(distinct number) from kept")
        return Verdict(self._sent, self._sent - arrived, self._one("select count(*) from kept") - arrived)

    def _one(self, query: str) -> int:
        return int(self._server.ask(query)[0][0])
