"""One change of a deployment at a time: whoever changes it holds a lock in the folder that it runs from."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from actorkit_kit import held_file, kit_folder
from actorkit_kit.console import note
from actorkit_kit.errors import KitError

#: The file that is locked, and says who holds it.
LOCK_FILE: Final = "lock"


@contextmanager
def hold(where: Path, verb: str) -> Iterator[None]:
    """Be the only one that changes the deployment of a folder, as long as the context is open. The lock
    ends with the process: one that is killed leaves nothing to clear up.

    A folder that `kit render` made is its user's, and gets no file of ours: it is not locked.

    Raises:
        KitError: another one is at it; the message says which.
    """
    if where.parent.name != kit_folder.KIT:
        yield
        return
    path = where / LOCK_FILE
    try:
        kit_folder.make(where)
        file = held_file.hold(path)
    except held_file.HeldElsewhere as exc:
        holder = str(exc).strip() or "another kit"
        raise KitError(
            f'"{where.name}" is being changed by {holder}. Wait until it has ended, then try again.'
        ) from None
    except OSError as exc:
        note(f'kit: "{path}" cannot be written: {exc.strerror}; see that nobody else changes this deployment meanwhile')
        yield
        return
    with file:
        file.write(f"kit {verb} (process {os.getpid()}, since {time.strftime('%H:%M:%S')})\n")
        file.flush()
        yield
