"""How much memory this process may use, as its container says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def memory_limit_bytes(root: Path = ROOT) -> int:
    """The least of the control group's limits (cgroup v2 or v1, its ancestors' too) and the machine's memory, in bytes.

    `root` is where `proc` and `sys` are. What cannot be read counts as no limit: the machine's memory is left.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    for file in _files(root):
        try:
            written = file.read_text().strip()
        except OSError:
            continue
        if written.isdigit() and int(written):  # v2 writes "max" where there is none; v1 a number beyond all memory
            yield int(written)


def _files(root: Path) -> Iterator[Path]:
    """Where a limit may stand: a line of /proc/self/cgroup is `0::PATH` for v2, `NUMBER:CONTROLLERS:PATH` for v1."""
    mounted = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = ["0::/", "0:memory:/"]
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        # In a container the path may be the host's, which is not mounted here: then its last ancestor, the mount
        # itself, is the container's own group.
        own = PurePosixPath(path.lstrip("/"))
        groups = [own, *own.parents]
        if number == "0" and not controllers:
            for group in groups:
                yield mounted / group / "memory.max"
        if "memory" in controllers.split(","):
            for group in groups:
                yield mounted / "memory" / group / "memory.limit_in_bytes"
