"""Which files a path stands for, and how they are opened."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """A file in the folder that is looked at."""

    path: str
    device: int
    inode: int
    bytes: int
    changed_ns: int

    @property
    def key(self) -> tuple[int, int]:
        """What stays the same when it is renamed."""
        return self.device, self.inode


class Refused(Exception):
    """Raised when something is in the place of a file that must not be read."""


class Place:
    """A folder, and the pattern of the names in it: the last part of a path. Of a folder every file is meant whose name
    has no dot in front."""

    def __init__(self, path: str, links: bool) -> None:
        whole = Path(path)
        self.pattern = "*" if whole.is_dir() else whole.name
        self.folder = whole if whole.is_dir() else whole.parent
        self._links = links
        self.one = not any(sign in self.pattern for sign in "*?[")

    def matching(self) -> tuple[list[Found], list[str]]:
        """The files that are meant, those that changed first in front; and what is refused, as sentences."""
        found, refused = [], []
        for name in self._names():
            try:
                found.append(self.look(name))
            except FileNotFoundError:
                continue  # It was renamed or deleted meanwhile.
            except (Refused, OSError) as exc:
                refused.append(str(exc))
        return sorted(found, key=lambda one: (one.changed_ns, one.path)), refused

    def _names(self) -> Iterator[str]:
        if self.one:
            yield self.pattern
            return
        for name in sorted(os.listdir(self.folder)) if self.folder.is_dir() else ():  # noqa: PTH208  # names that are no UTF-8
            if fnmatch.fnmatchcase(name, self.pattern) and name.startswith(".") <= self.pattern.startswith("."):
                yield name

    def others(self) -> Iterator[Found]:
        """All files of the folder, whatever they are called: a file that was renamed is among them."""
        for name in os.listdir(self.folder) if self.folder.is_dir() else ():  # noqa: PTH208  # as above
            try:
                yield self.look(name)
            except (OSError, Refused):
                continue

    def look(self, name: str) -> Found:
        """What is known of a file.

        Raises:
            Refused: it is no file; or a symbolic link, where these are not wanted.
            OSError: it is not there.
        """
        path = self.folder / name
        if not name.isprintable():
            raise Refused(f"{str(path)!r} is not read: its name is no UTF-8, or has control characters.")
        seen = os.stat(path, follow_symlinks=self._links)  # noqa: PTH116  # a str or bytes name alike
        if stat.S_ISLNK(seen.st_mode):
            raise Refused(f'"{path}" is a symbolic link and is not read. If it is to be, set `links: true`.')
        if not stat.S_ISREG(seen.st_mode):
            if not self.one and stat.S_ISDIR(seen.st_mode):
                raise FileNotFoundError(path)
            raise Refused(f'"{path}" is no file and is not read.')
        return Found(str(path), seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)

    def open(self, found: Found) -> int:
        """The file, to read, if it is still the same.

        Raises:
            OSError: it is not there, or something else is in its place.
        """
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if self._links else os.O_NOFOLLOW)
        opened = os.open(found.path, flags)
        seen = os.fstat(opened)
        if (seen.st_dev, seen.st_ino) != found.key:
            os.close(opened)
            raise FileNotFoundError(f'"{found.path}" was replaced meanwhile')
        return opened
