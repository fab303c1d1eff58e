"""A database of one owner, in which an actor writes down how far it is."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

import gevent

from actorkit.errors import SettingsError

#: Time between two tries to get it, in seconds.
PAUSE_S: Final = 0.1


def open_book(path: Path, handover_s: float, *tables: str, sync: bool = False) -> sqlite3.Connection:
    """The database, which belongs to this process until it is closed or the process ends, however it ends.

    `handover_s` is the longest wait for another process. What was committed outlives the process; with `sync`, the
    machine, too.

    Raises:
        SettingsError: another process keeps it, or it cannot be opened.
    """
    deadline = time.monotonic() + handover_s
    while True:
        try:
            return _open(path, tables, sync)
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise SettingsError(f'"{path}" cannot be opened: {exc}') from exc
            if time.monotonic() > deadline:
                raise SettingsError(
                    f'"{path}" belongs to another instance that runs. Give each instance a folder of its own.'
                ) from exc
        except sqlite3.DatabaseError as exc:
            raise SettingsError(f'"{path}" is no database of this actor: {exc}') from exc
        gevent.sleep(PAUSE_S)


def _open(path: Path, tables: tuple[str, ...], sync: bool) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SettingsError(f'The folder "{path.parent}" cannot be made: {exc.strerror}') from exc
    database = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        # An exclusive lock, and therefore no shared memory either: the kernel gives it back when the process is killed.
        database.execute("pragma locking_mode = exclusive")
        database.execute("pragma journal_mode = wal")
        database.execute(f"pragma synchronous = {'full' if sync else 'normal'}")
        database.execute("begin exclusive")
        for table in tables:
            database.execute(f"create table if not exists {table}")
        database.execute("commit")
    except sqlite3.Error:
        database.close()
        raise
    return database
