"""The C library's allocator, told to keep memory that is needed again at once."""

from __future__ import annotations

import ctypes
from typing import Final

#: Parameters of mallopt(3), as glibc numbers them.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3

#: Free memory that a process keeps for its next frames instead of giving it back, in bytes.
KEEP_BYTES: Final = 16 << 20

#: Blocks from this size on come from the system and go back to it; all frames but those of giant events are smaller.
LARGE_BYTES: Final = 4 << 20


def keep_freed_memory() -> None:
    """Make the frames of batches cheap.

    Left alone, glibc gives the memory of a freed frame back to the system and asks for it again for the next one; the
    page faults cost more than the frame's copies do. A C library without mallopt(3) is left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, KEEP_BYTES)
        mallopt(_TOP_PAD, 1 << 20)
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)


def trim() -> None:
    """Give free memory back to the system, after a time in which much was in use."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
