"""Durable requests in SQLite: what Titanic has accepted, and the answers that wait to be collected."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from actorkit.errors import SettingsError

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS request (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    body BLOB NOT NULL,
    answer BLOB,
    accepted REAL NOT NULL
) WITHOUT ROWID;
DROP INDEX IF EXISTS pending;
CREATE INDEX IF NOT EXISTS waiting ON request (service, accepted) WHERE answer IS NULL;
CREATE INDEX IF NOT EXISTS age ON request (accepted);
"""

#: Each service once, by a step in the index for each: there may be a million requests for one of them.
_WAITING: Final = """
WITH RECURSIVE found(service) AS (
    SELECT min(service) FROM request WHERE answer IS NULL
    UNION ALL
    SELECT (SELECT min(service) FROM request WHERE answer IS NULL AND service > found.service)
    FROM found WHERE found.service IS NOT NULL
)
SELECT service FROM found WHERE service IS NOT NULL
"""

_frames = msgspec.msgpack.Decoder(list[bytes])


class Pending(msgspec.Struct, frozen=True):
    """A request that is accepted and not yet answered."""

    id: str
    service: str
    body: list[bytes]


class Store:
    """Requests and answers in one file, for one thread. What a method has returned survives a crash.

    The file is in WAL mode with `synchronous=FULL`: each change is on the disk before it is acknowledged.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            SettingsError: it cannot be used.
        """
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
            self._kept = int(self._db.execute("SELECT count(*) FROM request").fetchone()[0])
        except sqlite3.Error as exc:
            raise SettingsError(f'durable requests cannot be kept in "{path}": {exc}. Name a file on a disk.') from exc

    def add(self, service: str, body: Sequence[bytes], now: float) -> str:
        """Store a request; return its id, 32 hexadecimal characters (RFC 9)."""
        name = uuid.uuid4().hex.upper()
        row = (name, service, msgspec.msgpack.encode(list(body)), now)
        self._db.execute("INSERT INTO request (id, service, body, accepted) VALUES (?, ?, ?, ?)", row)
        self._kept += 1
        return name

    def answer(self, name: str, body: Sequence[bytes]) -> None:
        """Store the answer of a request; the first one stays."""
        row = (msgspec.msgpack.encode(list(body)), name)
        self._db.execute("UPDATE request SET answer = ? WHERE id = ? AND answer IS NULL", row)

    def find(self, name: str) -> tuple[bool, list[bytes]]:
        """Whether a request is known, and its answer, which is [] as long as there is none."""
        row = self._db.execute("SELECT answer FROM request WHERE id = ?", (name,)).fetchone()
        if row is None or row[0] is None:
            return row is not None, []
        return True, _frames.decode(row[0])

    def close_request(self, name: str) -> None:
        """Forget a request, known or not."""
        self._kept -= self._db.execute("DELETE FROM request WHERE id = ?", (name,)).rowcount

    def waiting(self) -> list[str]:
        """The services that have requests without an answer."""
        return [str(service) for (service,) in self._db.execute(_WAITING)]

    def pending(self, service: str, limit: int, excluded: Sequence[str] = ()) -> list[Pending]:
        """The oldest requests of a service that have no answer."""
        marks = ",".join("?" * len(excluded))
        rows = self._db.execute(
            f"SELECT id, body FROM request WHERE answer IS NULL AND service = ? AND id NOT IN ({marks}) "
            "ORDER BY accepted LIMIT ?",
            (service, *excluded, limit),
        )
        return [Pending(name, service, _frames.decode(body)) for name, body in rows]

    def count(self) -> int:
        """How many requests are kept, answered or not."""
        return self._kept

    def drop_older(self, accepted_before: float) -> int:
        """Forget what nobody collected; return how many."""
        dropped = self._db.execute("DELETE FROM request WHERE accepted < ?", (accepted_before,)).rowcount
        self._kept -= dropped
        return dropped

    def close(self) -> None:
        self._db.close()
