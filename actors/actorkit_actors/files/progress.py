"""How far the files are read: kept where it outlives the process."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorkit_actors.files.book import open_book

#: So many bytes at the beginning of a file tell it from another one that has got its number.
HEAD_BYTES: Final = 256


@dataclass(frozen=True)
class Reading:
    """A file that is being read: `stream` is its name in positions, `done` up to which byte it is finished."""

    stream: str
    path: str
    device: int
    inode: int
    head_bytes: int
    head: bytes
    done: int


def digest(head: bytes) -> bytes:
    """What is remembered of a file's beginning."""
    return hashlib.blake2b(head, digest_size=16).digest()


class Progress:
    """The files that were begun. One that is the same again, renamed or not, goes on under its stream; a new one gets
    the next name: `path`, `path#2`, and so on."""

    def __init__(self, path: Path, handover_s: float) -> None:
        self._book = open_book(
            path,
            handover_s,
            "readings (stream text primary key, path text, device text, inode text, head_bytes integer, head blob,"
            " done integer) without rowid",
            "names (path text primary key, count integer) without rowid",
        )

    def close(self) -> None:
        self._book.close()

    def all(self) -> list[Reading]:
        """The files that were begun and are not forgotten."""
        rows = self._book.execute("select * from readings order by stream").fetchall()
        return [Reading(row[0], row[1], int(row[2]), int(row[3]), row[4], row[5], row[6]) for row in rows]

    def begin(self, path: str, device: int, inode: int, head: bytes) -> Reading:
        """A file is new."""
        self._book.execute("begin")
        self._book.execute("insert into names values (?, 1) on conflict do update set count = count + 1", (path,))
        (count,) = self._book.execute("select count from names where path = ?", (path,)).fetchone()
        stream = path if count == 1 else f"{path}#{count}"
        reading = Reading(stream, path, device, inode, len(head), digest(head), 0)
        row = (stream, path, str(device), str(inode), len(head), reading.head, 0)
        self._book.execute("insert into readings values (?, ?, ?, ?, ?, ?, ?)", row)
        self._book.execute("commit")
        return reading

    def know(self, stream: str, head: bytes) -> None:
        """More of a file's beginning is there than when it was begun."""
        row = (len(head), digest(head), stream)
        self._book.execute("update readings set head_bytes = ?, head = ? where stream = ?", row)

    def finish(self, floors: dict[str, int]) -> None:
        """Files are finished up to these bytes."""
        self._book.execute("begin")
        rows = [(done, stream) for stream, done in floors.items()]
        self._book.executemany("update readings set done = ? where stream = ?", rows)
        self._book.execute("commit")

    def forget(self, stream: str) -> None:
        """A file is gone, and everything in it is finished."""
        self._book.execute("delete from readings where stream = ?", (stream,))
