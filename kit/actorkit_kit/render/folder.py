"""A rendered folder on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from actorkit_kit.errors import KitError

#: Mode of what is rendered: containers read it as a user of their own.
READABLE = 0o644
#: Mode of a folder that only its owner may enter.
OWNER_ONLY = 0o700


def write(rendered: Mapping[str, str | bytes], folder: Path, private: Iterable[str] = ()) -> None:
    """Make `folder` hold what is rendered. What is equal is left alone, what was rendered before and is no more goes.

    Only folders that are rendered into are cleaned: a `.env` or an override beside them is the user's.

    Raises:
        KitError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in private:
            if any(path.startswith(f"{name}/") for path in rendered):
                (folder / name).mkdir(mode=OWNER_ONLY, exist_ok=True)
                (folder / name).chmod(OWNER_ONLY)
        for path, content in sorted(rendered.items()):
            _write_one(folder / path, content.encode() if isinstance(content, str) else content)
        _clean(rendered, folder)
    except OSError as exc:
        raise KitError(f'"{exc.filename or folder}" cannot be written: {exc.strerror}.') from exc


def _write_one(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(READABLE)


def _clean(rendered: Mapping[str, str | bytes], folder: Path) -> None:
    for top in {path.split("/")[0] for path in rendered if "/" in path}:
        for path in sorted((folder / top).rglob("*"), reverse=True):
            name = str(path.relative_to(folder))
            if path.is_file() and name not in rendered:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def read(folder: Path) -> dict[str, str | bytes]:
    """What stands in a folder, by path; empty where there is none."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def remove(folder: Path) -> None:
    """Delete a folder that was rendered."""
    shutil.rmtree(folder, ignore_errors=True)
