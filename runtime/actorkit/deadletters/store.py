"""The store of dead letters: one SQLite file in a folder, for any number of processes of one machine.

What `put` has returned for is on the disk. The file is in WAL mode with `synchronous=FULL`, so a process may be killed
at any moment. A letter is named by its actor and the id of its event: the same one stored twice is one. What was taken
out is remembered for a while: a listing can go on after it, and an event that is sent again and fails again is counted.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actorkit.deadletters.letter import Letter
from actorkit.deadletters.query import Query
from actorkit.errors import ActorkitError

#: The file with the letters, and the one that is locked while it is made.
FILE: Final = "letters.sqlite"
LOCK: Final = "lock"

#: Folder and files are their actor's alone: events hold what customers sent.
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

#: What a letter takes beside its record and its body, in bytes: its row, and its places in the indexes.
ROW_BYTES: Final = 400

#: How long it is remembered which letters were taken out, in seconds.
REMEMBER_S: Final = 86_400.0

#: How long one process waits while another one writes, in seconds.
BUSY_S: Final = 30.0

#: Letters that are read at a time.
PAGE: Final = 500

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS letter (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    actor TEXT NOT NULL,
    trace TEXT NOT NULL,
    reason TEXT NOT NULL,
    time REAL NOT NULL,
    attempts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    record TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (id, actor)
);
CREATE INDEX IF NOT EXISTS by_actor ON letter (actor, seq);
CREATE INDEX IF NOT EXISTS by_reason ON letter (reason, seq);
CREATE INDEX IF NOT EXISTS by_trace ON letter (trace);
CREATE INDEX IF NOT EXISTS by_time ON letter (time);
CREATE TABLE IF NOT EXISTS gone (
    id TEXT NOT NULL,
    actor TEXT NOT NULL,
    seq INTEGER NOT NULL,
    became TEXT,
    attempts INTEGER NOT NULL,
    time REAL NOT NULL,
    PRIMARY KEY (id, actor)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gone_became ON gone (became) WHERE became IS NOT NULL;
CREATE INDEX IF NOT EXISTS gone_time ON gone (time);
CREATE TABLE IF NOT EXISTS total (one INTEGER PRIMARY KEY CHECK (one = 1), letters INTEGER, bytes INTEGER);
INSERT OR IGNORE INTO total SELECT 1, count(*), coalesce(sum(bytes), 0) FROM letter;
CREATE TRIGGER IF NOT EXISTS counted AFTER INSERT ON letter BEGIN
    UPDATE total SET letters = letters + 1, bytes = bytes + new.bytes;
END;
CREATE TRIGGER IF NOT EXISTS uncounted AFTER DELETE ON letter BEGIN
    UPDATE total SET letters = letters - 1, bytes = bytes - old.bytes;
END;
"""


class DeadLetterError(ActorkitError):
    """Raised when the store cannot be read or written, or holds no such letter."""


@dataclass(frozen=True)
class Stored:
    """A letter in the store. `seq` counts in the order in which they came, `attempts` how often it has failed; `bytes`
    is the length of its body."""

    seq: int
    attempts: int
    bytes: int
    letter: Letter

    def head(self) -> dict[str, Any]:
        """What a list tells of it: all but its body, its attributes and its HTTP side."""
        letter = self.letter
        return {
            "id": letter.id,
            "trace": letter.trace,
            "key": letter.key,
            "time": letter.time,
            "actor": letter.actor,
            "trail": list(letter.trail),
            "inbox": letter.inbox,
            "reason": letter.record["reason"]["kind"],
            "message": letter.record["reason"]["message"],
            "attempts": self.attempts,
            "bytes": self.bytes,
        }


@dataclass(frozen=True)
class Totals:
    """How many letters there are, what they take in bytes, and when the oldest one failed (None: there is none)."""

    letters: int
    bytes: int
    oldest: float | None


class Store:
    """The letters in one folder. For one thread at a time; opened when first used."""

    def __init__(self, folder: Path, max_bytes: int = 0, now: Callable[[], float] = time.time) -> None:
        """`max_bytes` bounds what the letters take; 0: nothing does."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._now = now
        self._opened: sqlite3.Connection | None = None

    @property
    def path(self) -> Path:
        return self._folder / FILE

    def __repr__(self) -> str:
        return f"<Store {self.path}{'' if self._opened else ', not open'}>"

    def open(self) -> None:
        """Open the file, and make it where there is none.

        Raises:
            DeadLetterError: it cannot be used.
        """
        with self._told("written"):
            self._db()

    def put(self, letters: Sequence[Letter]) -> int:
        """Store letters, in one step; returns how many of them, from the first, found room.

        Raises:
            DeadLetterError: they cannot be written; none is stored.
        """
        with self._change() as db:
            free = self._max_bytes - db.execute("SELECT bytes FROM total").fetchone()[0]
            for number, letter in enumerate(letters):
                record, name = letter.text, (letter.id, letter.actor)
                size = len(record.encode()) + len(letter.body) + ROW_BYTES
                if db.execute("SELECT 1 FROM letter WHERE id = ? AND actor = ?", name).fetchone():
                    continue
                if self._max_bytes and size > free:
                    return number
                before = db.execute("SELECT attempts FROM gone WHERE became = ? AND actor = ?", name).fetchone()
                attempts = 1 + (before[0] if before else 0)
                row = (*name, letter.trace, letter.failure.kind, letter.time, attempts, size, record, letter.body)
                db.execute(_INSERT, row)
                free -= size
        return len(letters)

    def find(self, query: Query, bodies: bool = False) -> Iterator[Stored]:
        """The letters that a query asks for, in the order in which they came; without their bodies unless asked for.

        Raises:
            DeadLetterError: the store cannot be read, or the letter to go on after is not known.
        """
        if not self.path.exists():
            return
        after, left = self._after(query.after), query.limit or None
        body = "body" if bodies else "x''"
        where, values = query.where()
        while left is None or left > 0:
            page = PAGE if not bodies else 1
            page = page if left is None else min(page, left)
            select = (
                f"SELECT seq, attempts, length(body), record, {body} FROM letter WHERE {where} AND seq > ? ORDER BY seq"
            )
            rows = self._all(f"{select} LIMIT ?", (*values, after, page))
            for seq, attempts, size, record, content in rows:
                yield Stored(seq, attempts, size, _read(record, content))
            if len(rows) < page:
                return
            after, left = rows[-1][0], None if left is None else left - len(rows)

    def newest(self, actor: str, count: int) -> list[Stored]:
        """The letters of an actor that came last, the newest first; without their bodies."""
        select = "SELECT seq, attempts, length(body), record FROM letter WHERE actor = ? ORDER BY seq DESC LIMIT ?"
        rows = self._all(select, (actor, count)) if self.path.exists() else []
        return [Stored(seq, attempts, size, _read(record, b"")) for seq, attempts, size, record in rows]

    def last(self) -> int:
        """The `seq` of the letter that came last; 0 without any."""
        return int(self._all("SELECT coalesce(max(seq), 0) FROM letter", ())[0][0]) if self.path.exists() else 0

    def actors(self) -> list[str]:
        """The actors that have letters, in alphabetical order."""
        return list(self.counts())

    def counts(self) -> dict[str, int]:
        """How many letters each actor has, in alphabetical order; without those that have none."""
        if not self.path.exists():
            return {}
        rows = self._all("SELECT actor, count(*) FROM letter GROUP BY actor ORDER BY actor", ())
        return {str(actor): int(count) for actor, count in rows}

    def remove(self, letters: Iterable[Stored], again: bool = False) -> int:
        """Take letters out; returns how many were there. `again`: their events were sent again, each under the id that
        its letter has for that.

        Raises:
            DeadLetterError: the store cannot be written; all are still in it.
        """
        removed = 0
        with self._change() as db:
            for one in letters:
                became = f"{one.letter.again_id:016x}" if again else None
                name = (one.letter.id, one.letter.actor)
                db.execute(_FORGET, (*name, one.seq, became, one.attempts, self._now()))
                if became is not None:  # It may have failed again already.
                    failed = (one.attempts + 1, became, one.letter.actor)
                    db.execute("UPDATE letter SET attempts = ? WHERE id = ? AND actor = ?", failed)
                removed += db.execute("DELETE FROM letter WHERE seq = ?", (one.seq,)).rowcount
        return removed

    def remove_older(self, keep_s: float) -> int:
        """Take out what failed longer ago than `keep_s` seconds, and forget what was taken out long ago; returns how
        many letters it were."""
        if not self.path.exists():
            return 0
        now = self._now()
        with self._change() as db:
            db.execute("DELETE FROM gone WHERE time < ?", (now - REMEMBER_S,))
            return db.execute("DELETE FROM letter WHERE time < ?", (now - keep_s,)).rowcount

    def totals(self) -> Totals:
        """What is in the store."""
        if not self.path.exists():
            return Totals(0, 0, None)
        letters, size = self._all("SELECT letters, bytes FROM total", ())[0]
        return Totals(letters, size, self._all("SELECT min(time) FROM letter", ())[0][0])

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _after(self, id_: str) -> int:
        """The `seq` of the letter of that id, in the store or taken out; 0 for ""."""
        if not id_:
            return 0
        found = self._all("SELECT seq FROM letter WHERE id = ? UNION SELECT seq FROM gone WHERE id = ?", (id_, id_))
        if not found:
            raise DeadLetterError(f'no letter "{id_}" is known, to go on after it; list begins at the first')
        return int(max(row[0] for row in found))

    def _all(self, select: str, values: Sequence[object]) -> list[Any]:
        with self._told("read"):
            return self._db().execute(select, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One change: all of it is on the disk at the end, or none."""
        with self._told("written"):
            db = self._db()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            self.close()  # A disk that was full or gone may be back the next time.
            raise DeadLetterError(f'the dead letters in "{self.path}" cannot be {what}: {exc}') from exc
        except OSError as exc:
            raise DeadLetterError(f'the dead letters in "{self.path}" cannot be {what}: {exc.strerror}') from exc

    def _db(self) -> sqlite3.Connection:
        if self._opened is not None and not self.path.exists():
            self.close()  # Somebody has removed the file: what is written to it would be nowhere.
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        self._folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        # Two processes that make the file at the same time would find it locked.
        lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.path.exists():
                # Only then: closing any descriptor of the file ends the locks that this process has on it (fcntl(2)).
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE))
            db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                db.executescript(_SCHEMA)
            except sqlite3.Error:
                db.close()
                raise
        finally:
            os.close(lock)
        return db


_INSERT: Final = """
INSERT INTO letter (id, actor, trace, reason, time, attempts, bytes, record, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FORGET: Final = "INSERT OR REPLACE INTO gone (id, actor, seq, became, attempts, time) VALUES (?, ?, ?, ?, ?, ?)"


def _read(record: str, body: bytes) -> Letter:
    """A letter as it was stored: what was checked then is not checked again."""
    try:
        return Letter(json.loads(record), body)
    except (ValueError, RecursionError) as exc:
        raise DeadLetterError(f"a row of {FILE} holds what is no letter: {exc}") from exc
