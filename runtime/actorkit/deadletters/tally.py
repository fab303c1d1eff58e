"""How many letters an instance's file in the box holds, and how old the oldest one is: counted as they come and go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

#: How much of a file is read at a time, in bytes.
CHUNK_BYTES: Final = 1 << 20


class Tally:
    """Follows one file of the box. What was added since the last look is read, and all where `kit dlq` replaced it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = 0
        self._size = 0
        self._count = 0
        self._oldest = 0.0

    def look(self) -> tuple[int, float]:
        """The number of letters, and the time (of the epoch) at which the oldest one failed; 0.0 when there is none. A
        file that cannot be read holds what it held at the last look."""
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._file or found.st_size < self._size:
                    self._file, self._size, self._count = found.st_ino, 0, 0
                file.seek(self._size)
                while chunk := file.read(CHUNK_BYTES):
                    self._count += chunk.count(b"\n")
                    self._size += len(chunk)
                file.seek(0)
                self._oldest = _time(file.readline()) if self._count else 0.0
        except FileNotFoundError:
            self._file = self._size = self._count = 0
        except OSError:
            pass  # `Box.put` tells of it, when there is something to store.
        return self._count, self._oldest if self._count else 0.0


def _time(line: bytes) -> float:
    """When the letter in a line failed; 0.0 where it is none."""
    try:
        return float(json.loads(line)["time"])
    except (ValueError, KeyError, TypeError):
        return 0.0
