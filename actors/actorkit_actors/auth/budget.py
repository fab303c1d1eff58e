"""How many hashes may be computed at a time, so that the process stays inside its memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

#: What an actor needs beside its hashes, in bytes: the interpreter, the runtime, events on their way.
ACTOR_BYTES: Final = 64 << 20

#: Where a container's limit stands: cgroup v2, then v1.
_LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def hashes_at_a_time(hash_bytes: int, limit_bytes: int | None = None, cores: int | None = None) -> int:
    """As many as memory has room for and cores can compute; at least one."""
    limit = memory_limit_bytes() if limit_bytes is None else limit_bytes
    cores = cores or len(os.sched_getaffinity(0))
    return max(1, min(cores, (limit - ACTOR_BYTES) // hash_bytes))


def memory_limit_bytes() -> int:
    """The container's memory, or the machine's where that is less or there is no container."""
    limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _LIMITS:
        try:
            return min(limit, int(path.read_text().strip()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return limit
