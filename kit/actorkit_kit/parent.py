"""What becomes of a process whose parent ends."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable
from typing import Final

#: PR_SET_PDEATHSIG of prctl(2).
_SET_PARENT_DEATH_SIGNAL: Final = 1


def die_with_parent() -> Callable[[], None] | None:
    """Has a new process, in which it is called, drained when its parent is killed; None where the system cannot (only
    Linux can)."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)

    return ask
