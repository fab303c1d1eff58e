"""What the counting source and the counting sink write down: fixed records, appended, read after the end.

A file survives whoever is killed while writing it; the trace of an event survives whatever actors make of its data.
A sink that stores by key writes rows of a database instead.
"""

from __future__ import annotations

import sqlite3
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: An event that was made: its trace, and when (CLOCK_MONOTONIC, the same for all processes), in nanoseconds.
MADE: Final = struct.Struct("<QQ")
#: An event that arrived: its trace, its id, when, and 1 where it came with a failure.
SEEN: Final = struct.Struct("<QQQB")


@dataclass(frozen=True)
class Made:
    """An event that the source made."""

    trace: int
    at_ns: int


@dataclass(frozen=True)
class Seen:
    """An event that arrived at a sink. `id` is the same when it arrives once more."""

    trace: int
    id: int
    at_ns: int
    failed: bool


def read_made(path: Path) -> Iterator[Made]:
    """Everything that a source made."""
    return (Made(*values) for values in _read(path, MADE))


#: Ending of a file that is a database of arrivals, stored by key.
DATABASE: Final = ".sqlite"
#: How long one waits for the database while another writes, in seconds.
BUSY_S: Final = 60.0


def open_arrivals(path: Path) -> sqlite3.Connection:
    """A database of arrivals. What a killed process has committed stays; only a machine that stops loses it."""
    database = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = off")
    columns = "key text primary key, at_ns integer, failed integer, times integer"
    database.execute(f"create table if not exists arrivals ({columns}) without rowid")
    return database


def store_arrival(database: sqlite3.Connection, key: str, failed: bool) -> None:
    """Store an arrival by the event's key; where it is stored already, count that it came again."""
    insert = "insert into arrivals values (?, ?, ?, 1) on conflict (key) do update set times = times + 1"
    database.execute(insert, (key, time.monotonic_ns(), failed))


def count_arrivals(path: Path) -> tuple[int, int]:
    """How many arrivals are stored, and how often one came that was stored already."""
    if path.suffix != DATABASE or not path.exists():
        return (path.stat().st_size // SEEN.size if path.exists() else 0), 0
    database = open_arrivals(path)
    count, times = database.execute("select count(*), coalesce(sum(times), 0) from arrivals").fetchone()
    database.close()
    return count, times - count


def read_seen(path: Path) -> Iterator[Seen]:
    """Everything that a sink saw, in order."""
    if path.suffix == DATABASE:
        return iter(_rows(path))
    return (Seen(trace, id_, at_ns, bool(failed)) for trace, id_, at_ns, failed in _read(path, SEEN))


def _rows(path: Path) -> list[Seen]:
    if not path.exists():
        return []
    database = open_arrivals(path)
    rows = database.execute("select key, at_ns, failed from arrivals order by at_ns").fetchall()
    database.close()
    return [Seen(int(key[:16], 16), int(key[16:], 16), at_ns, bool(failed)) for key, at_ns, failed in rows]


def _read(path: Path, form: struct.Struct) -> Iterator[tuple[int, ...]]:
    """Whole records; nothing where there is no file yet."""
    content = path.read_bytes() if path.exists() else b""
    return form.iter_unpack(content[: len(content) // form.size * form.size])
