"""Which topologies `kit run` runs on this machine, for those who know only a name: a file for each in one folder.

A file tells a folder and a name, and outlives a `kit run` that is killed: whether the topology still runs is told by
the state file in its folder (`state.py`). Nothing secret stands here.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def runs_folder() -> Path:
    """The folder: in XDG_RUNTIME_DIR, which is the user's own, or else one of the user's in the folder for temporary
    files."""
    own = os.environ.get("XDG_RUNTIME_DIR")
    if own and os.access(own, os.W_OK):
        return Path(own, "actorkit")
    return Path(tempfile.gettempdir(), f"actorkit-{os.getuid()}")


@contextmanager
def announce(base: Path, topology: str) -> Iterator[None]:
    """Keep the file of a topology as long as the context is open; without one where it cannot be written."""
    folder = runs_folder()
    path = folder / hashlib.sha256(f"{base}\0{topology}".encode()).hexdigest()[:16]
    with suppress(OSError):  # it is found by its folder all the same
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_ours(folder):
            path.write_text(json.dumps({"base": str(base), "topology": topology}))
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def find_runs() -> list[tuple[Path, str]]:
    """The folder and the name of each topology that has a file, sorted; some may have ended meanwhile."""
    folder, found = runs_folder(), list[tuple[Path, str]]()
    if not _is_ours(folder):
        return []
    for path in folder.iterdir():
        try:
            read = json.loads(path.read_text())
            found.append((Path(str(read["base"])), str(read["topology"])))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # it went meanwhile, or is being written
    return sorted(found)


def _is_ours(folder: Path) -> bool:
    """Whether only this user writes there: in a folder for temporary files, anybody may have made it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
