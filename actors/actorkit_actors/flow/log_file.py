"""A file that lines are added to, and that is rotated by its size."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

#: Who may read the file: its owner.
FILE_MODE: Final = 0o600


class LogFile:
    """A file, and `keep` older ones: `orders.log.1` is the youngest of them.

    It is opened for each line: who moves it away, or removes it, finds a new one at the next line. A symbolic link in
    its place is refused.
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep

    def add(self, line: bytes) -> None:
        """Write a whole line, or nothing.

        Raises:
            OSError: it cannot be written.
        """
        file = self._open()
        try:
            size = os.fstat(file).st_size
            if size and size + len(line) > self._max_bytes:
                os.close(file)
                file = -1
                self._rotate()
                file = self._open()
                size = 0
            try:
                left = memoryview(line)
                while left:
                    left = left[os.write(file, left) :]
            except OSError:
                os.ftruncate(file, size)  # The disk is full: half a line would be a part of the next one.
                raise
        finally:
            if file >= 0:
                os.close(file)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._path, flags, FILE_MODE)

    def _rotate(self) -> None:
        if not self._keep:
            self._path.unlink(missing_ok=True)
            return
        for number in range(self._keep, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            younger = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            if younger.exists():
                younger.replace(older)
