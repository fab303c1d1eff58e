"""One change of a deployment at a time: whoever changes it holds a lock in the folder that it runs from."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from actorkit_kit.console import note
from actorkit_kit.errors import KitError

#: The file that is locked, and says who holds it.
LOCK_FILE: Final = "lock"
#: The folder beside a topology that kit's folders are in.
_KIT: Final = ".kit"


@contextmanager
def hold(where: Path, verb: str) -> Iterator[None]:
    """Be the only one that changes the deployment of a folder, as long as the context is open. The lock
    ends with the process: one that is killed leaves nothing to clear up.

    A folder that `kit render` made is its user's, and gets no file of ours: it is not locked.

    Raises:
        KitError: another one is at it; the message says which.
    """
    if where.parent.name != _KIT:
        yield
        return
    path = where / LOCK_FILE
    try:
        where.mkdir(parents=True, exist_ok=True)
        if not (where.parent / ".gitignore").exists():
            (where.parent / ".gitignore").write_text("*\n")
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        note(f'kit: "{path}" cannot be written: {exc.strerror}; see that nobody else changes this deployment meanwhile')
        yield
        return
    with os.fdopen(number, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "another kit"
            raise KitError(
                f'"{where.name}" is being changed by {holder}. Wait until it has ended, then try again.'
            ) from None
        file.truncate()
        file.write(f"kit {verb} (process {os.getpid()}, since {time.strftime('%H:%M:%S')})\n")
        file.flush()
        yield
