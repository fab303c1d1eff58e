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
CREATE INDEX IF NOT EXISTS pending ON request (accepted) WHERE answer IS NULL;
CREATE INDEX IF NOT EXISTS age ON request (accepted);
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
        """Open or make the file. Raises SettingsError if it cannot be used."""
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as exc:
            raise SettingsError(f'durable requests cannot be kept in "{path}": {exc}. Name a file on a disk.') from exc

    def add(self, service: str, body: Sequence[bytes], now: float) -> str:
        """Store a request; return its id, 32 hexadecimal characters (RFC 9)."""
        name = uuid.uuid4().hex.upper()
        row = (name, service, msgspec.msgpack.encode(list(body)), now)
        self._db.execute("INSERT INTO request (id, service, body, accepted) VALUES (?, ?, ?, ?)", row)
        return name

    def answer(self, name: str, body: Sequence[bytes]) -> None:
        """Store the answer of a request; the first one stays."""
        row = (msgspec.msgpack.encode(list(body)), name)
        self._db.execute("UPDATE request SET answer = ? WHERE id = ? AND answer IS NULL", row)

    def find(self, name: str) -> tuple[bool, list[bytes]]:
        """Return (known, answer); the answer is [] as long as there is none."""
        row = self._db.execute("SELECT answer FROM request WHERE id = ?", (name,)).fetchone()
        if row is None or row[0] is None:
            return row is not None, []
        return True, _frames.decode(row[0])

    def close_request(self, name: str) -> None:
        """Forget a request, known or not."""
        self._db.execute("DELETE FROM request WHERE id = ?", (name,))

    def pending(self, limit: int, excluded: Sequence[str] = ()) -> list[Pending]:
        """Return the oldest requests that have no answer."""
        marks = ",".join("?" * len(excluded))
        rows = self._db.execute(
            f"SELECT id, service, body FROM request WHERE answer IS NULL AND id NOT IN ({marks}) "
            "ORDER BY accepted LIMIT ?",
            (*excluded, limit),
        )
        return [Pending(name, service, _frames.decode(body)) for name, service, body in rows]

    def count(self) -> int:
        """Return how many requests are kept, answered or not."""
        return int(self._db.execute("SELECT count(*) FROM request").fetchone()[0])

    def drop_older(self, accepted_before: float) -> int:
        """Forget what nobody collected; return how many."""
        return self._db.execute("DELETE FROM request WHERE accepted < ?", (accepted_before,)).rowcount

    def close(self) -> None:
        self._db.close()
