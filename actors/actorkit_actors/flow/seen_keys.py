"""The keys that were seen lately, in a file: no greenlets; the clock is an argument."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from actorkit.errors import ActorkitError

#: Name of the file.
FILE: Final = "seen.sqlite"

#: How long a step waits for another process that has the file, in seconds.
BUSY_S: Final = 5.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY, event BLOB NOT NULL, time REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_time ON seen (time);
"""


class SeenKeysError(ActorkitError):
    """Raised when the file cannot be read or written."""


class SeenKeys:
    """Keys, each with the name of the event that had it first and the time of that. For one thread at a time.

    A step is in the file when it returns: a process that is killed has lost nothing of it. Only a host that loses its
    power may forget the last moments.
    """

    def __init__(self, folder: Path, window_s: float, max_keys: int, now: Callable[[], float]) -> None:
        self._folder = folder
        self._window_s = window_s
        self._max_keys = max_keys
        self._now = now
        self._opened: sqlite3.Connection | None = None
        #: How many keys there are; they are counted once.
        self.count = 0
        #: Keys that were forgotten before their time, because there were too many.
        self.crowded_out = 0

    def open(self) -> None:
        """Open the file, and make it where there is none.

        Raises:
            SeenKeysError: it cannot be used.
        """
        with self._told():
            self._db()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def admit(self, named: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """Whether each of these, a key and an event's name, is the first with its key, or that one once more.

        Raises:
            SeenKeysError: it cannot be known; none of them is remembered.
        """
        with self._told():
            db, now, admitted, fresh = self._db(), self._now(), [], 0
            oldest = now - self._window_s
            db.execute("BEGIN IMMEDIATE")
            try:
                gone = db.execute("DELETE FROM seen WHERE time < ?", (oldest,)).rowcount
                for key, event in named:
                    found = db.execute("SELECT event FROM seen WHERE key = ?", (key,)).fetchone()
                    if found is None:
                        db.execute("INSERT INTO seen VALUES (?, ?, ?)", (key, event, now))
                        fresh += 1
                    admitted.append(found is None or found[0] == event)
                many = max(0, self.count - gone + fresh - self._max_keys)
                if many:
                    db.execute(
                        "DELETE FROM seen WHERE key IN (SELECT key FROM seen ORDER BY time LIMIT ?)",
                        (many,),
                    )
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
            self.count += fresh - gone - many
            self.crowded_out += many
            return admitted

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as exc:
            self.close()  # A disk that was full may have room the next time.
            raise SeenKeysError(f'the keys in "{self._folder / FILE}" cannot be used: {exc}') from exc

    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._folder / FILE, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                # A kill loses nothing that the kernel has. FULL would wait for the disk at each step.
                db.execute("PRAGMA synchronous = NORMAL")
                db.executescript(_SCHEMA)
                self.count = db.execute("SELECT count(*) FROM seen").fetchone()[0]
            except BaseException:
                db.close()
                raise
            self._opened = db
        return self._opened
