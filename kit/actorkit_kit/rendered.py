"""Rendered folders: what a target made, written so that a second time changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from actorkit_kit.errors import KitError

#: Mode of folders that only their owner may enter.
PRIVATE_MODE: Final = 0o700


def write(folder: Path, files: Mapping[str, str | bytes], private: Iterable[str] = ()) -> list[Path]:
    """Write files by their path in the folder; those that already say the same are left alone, all others too.

    Returns the files that were new or have changed. Folders in `private` are open to their owner only.

    Raises:
        KitError: something cannot be written.
    """
    changed = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted({str(Path(path).parts[0]) for path in files if path.partition("/")[0] in tuple(private)}):
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(PRIVATE_MODE)
        for name, content in sorted(files.items()):
            path = folder / name
            raw = content.encode() if isinstance(content, str) else content
            if path.is_file() and path.read_bytes() == raw:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
            changed.append(path)
    except OSError as exc:
        raise KitError(f'"{exc.filename or folder}" cannot be written: {exc.strerror}. Choose another folder.') from exc
    return changed
