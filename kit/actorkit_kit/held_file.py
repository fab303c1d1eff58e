"""A file that one process holds: others read it, and know by its lock that it is meant. The lock ends with the process,
so one that is killed leaves nothing to clear up.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class HeldElsewhere(Exception):
    """Raised when another process holds a file; the text is the file's."""


def hold(path: Path) -> IO[str]:
    """Open a file that only its owner may read, empty, and hold it until it is closed.

    Raises:
        HeldElsewhere: another process holds it.
        OSError: it cannot be opened.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            raise HeldElsewhere(file.read()) from None
    file.truncate()
    return file


def read(path: Path) -> str | None:
    """What stands in a file that a process holds; None where none does.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read()
    except FileNotFoundError:
        pass
    return None
