"""How many hashes may be computed at a time, so that the process stays inside its memory."""

from __future__ import annotations

import os
from typing import Final

from actorkit.process.memory import memory_limit_bytes

#: What an actor needs beside its hashes, in bytes: the interpreter, the runtime, events on their way.
ACTOR_BYTES: Final = 64 << 20


def hashes_at_a_time(hash_bytes: int, limit_bytes: int | None = None, cores: int | None = None) -> int:
    """As many as memory has room for and cores can compute; at least one."""
    limit = memory_limit_bytes() if limit_bytes is None else limit_bytes
    cores = cores or len(os.sched_getaffinity(0))
    return max(1, min(cores, (limit - ACTOR_BYTES) // hash_bytes))
