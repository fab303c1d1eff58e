"""A file to which lines are added, each once by its key, whatever ends the process in between."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from actorkit.errors import SettingsError
from actorkit_actors.files.book import open_book

#: How a file's name tells when it was begun, in UTC.
STAMP: Final = "%Y%m%dT%H%M%SZ"
FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class LinesFile:
    """The file that is written to, and the database of the keys that are in it.

    Keys are noted first, each with where its line will end, and then the lines are written. The length of the file
    tells afterwards which of them are there: nothing but half a line at the end is ever taken back. To be used by one
    thread at a time.
    """

    def __init__(self, folder: Path, name: str, *, sync: bool, remember: int, keep: int, handover_s: float) -> None:
        self._folder = folder
        self._name = name
        self._sync = sync
        self._remember = remember
        self._keep = keep
        self._book = open_book(
            folder / f".{name}.sqlite",
            handover_s,
            "keys (seq integer primary key autoincrement, key blob not null unique,"
            " file integer, begin integer, end integer)",
            "current (id integer primary key check (id = 1), number integer, begun real)",
            sync=sync,
        )
        try:
            self._begin()
        except BaseException:
            self._book.close()
            raise

    def _begin(self) -> None:
        """Go on where the last owner of the file ended."""
        self._book.execute("insert or ignore into current values (1, 1, ?)", (time.time(),))
        self._number, self._begun = self._book.execute("select number, begun from current").fetchone()
        if self._final().exists():
            self._next(time.time())  # It was renamed, and that was not noted any more.
        self._open()
        self._recover()
        if self._sync:
            sync_folder(self._folder)

    def close(self) -> None:
        os.close(self._descriptor)
        self._book.close()

    def _open(self) -> None:
        path = self._folder / self._name
        try:
            self._descriptor = os.open(path, FLAGS, 0o640)
        except OSError as exc:
            reason = "it is a symbolic link" if path.is_symlink() else exc.strerror
            raise SettingsError(f'"{path}" cannot be written to: {reason}') from exc
        seen = os.fstat(self._descriptor)
        if not stat.S_ISREG(seen.st_mode):
            os.close(self._descriptor)
            raise SettingsError(f'"{path}" cannot be written to: it is no file')
        self._size = seen.st_size

    def _recover(self) -> None:
        """Forget the keys whose lines did not get into the file, and take back the half of a line."""
        where = (self._number, self._size)
        query = "select min(begin) from keys where file = ? and end > ?"
        (begin,) = self._book.execute(query, where).fetchone()
        if begin is not None:
            self._book.execute("delete from keys where file = ? and end > ?", where)
            if begin < self._size:
                self._cut(begin)

    def _cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        self._size = size

    def add(self, lines: Iterable[tuple[bytes, bytes]]) -> int:
        """Write lines that are not there yet, each with its key. Returns how many were.

        Raises:
            OSError: they cannot be written; then none of them is.
        """
        before, end = self._size, self._size
        wanted: list[bytes] = []
        there = 0
        self._book.execute("begin")
        try:
            self._book.execute("delete from keys where seq <= (select max(seq) from keys) - ?", (self._remember,))
            for key, line in lines:
                row = (key, self._number, end, end + len(line))
                if self._book.execute("insert or ignore into keys values (null, ?, ?, ?, ?)", row).rowcount:
                    wanted.append(line)
                    end += len(line)
                else:
                    there += 1
            self._book.execute("commit")
        except BaseException:
            self._book.execute("rollback")
            raise
        if not wanted:
            return there
        try:
            _write(self._descriptor, b"".join(wanted))
            if self._sync:
                os.fdatasync(self._descriptor)
        except OSError:
            self._cut(before)
            self._book.execute("delete from keys where file = ? and end > ?", (self._number, before))
            raise
        self._size = end
        return there

    def is_due(self, most_bytes: int, most_s: float) -> bool:
        """Whether the file is to be finished: too long, or too old (0: never). An empty one never is."""
        if not self._size:
            return False
        return 0 < most_bytes <= self._size or 0 < most_s <= time.time() - self._begun

    def rotate(self) -> None:
        """Finish the file under its last name, and begin the next one."""
        final = self._final()
        (self._folder / self._name).rename(final)
        os.close(self._descriptor)
        self._next(time.time())
        self._open()
        if self._sync:
            sync_folder(self._folder)
        for old in self.finished()[: -self._keep] if self._keep else ():
            old.unlink(missing_ok=True)

    def begin_anew(self) -> None:
        """The age of an empty file counts from its first line."""
        if not self._size:
            self._begun = time.time()
            self._book.execute("update current set begun = ?", (self._begun,))

    def _next(self, now: float) -> None:
        self._number, self._begun = self._number + 1, now
        self._book.execute("update current set number = ?, begun = ?", (self._number, now))

    def _final(self) -> Path:
        name = Path(self._name)
        stamp = time.strftime(STAMP, time.gmtime(self._begun))
        return self._folder / f"{name.stem}-{stamp}-{self._number:06}{name.suffix}"

    def finished(self) -> list[Path]:
        """The files that are finished, the oldest first."""
        name = Path(self._name)
        pattern = re.compile(rf"{re.escape(name.stem)}-\d{{8}}T\d{{6}}Z-(\d{{6,}}){re.escape(name.suffix)}")
        found = [(int(match[1]), path) for path in self._folder.iterdir() if (match := pattern.fullmatch(path.name))]
        return [path for _, path in sorted(found)]


def put_file(folder: Path, name: str, content: bytes, *, sync: bool) -> None:
    """Write a file under a name beside, and rename it: it is there whole, or not at all. A symbolic link that has the
    name is replaced, not followed.

    Raises:
        OSError: it cannot be written.
    """
    beside = folder / f".{name}.part"
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    try:
        _write(descriptor, content)
        if sync:
            os.fdatasync(descriptor)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    beside.replace(folder / name)
    if sync:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Names that were given are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
