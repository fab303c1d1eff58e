"""The folder `.kit` beside a topology: all that kit makes there, which git is told to leave out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from actorkit_kit.errors import KitError

#: The name of the folder.
KIT: Final = ".kit"
#: How the `.gitignore` begins of a folder that kit rendered; such a folder is known by it, wherever it is.
RENDERED: Final = "# What must not leave this machine.\n"
#: How the first file in a bundle begins, and where in the tar file: after one header (POSIX.1 pax).
#: Then the mark of a header, and where it is.
_BUNDLED: Final = (512, b"# A release without a way out\n")
_HEADER: Final = (257, b"ustar\0")
#: As many bytes of a file as tell whether it is a bundle.
BUNDLE_HEAD_BYTES: Final = 600


def place_in(base: Path, name: str) -> Path:
    """A folder of kit's, for a topology in the folder `base`."""
    return base / KIT / name


def is_rendered(folder: Path) -> bool:
    """Whether kit has rendered a folder: it may hold secrets, and is no part of anybody's code."""
    ignore = folder / ".gitignore"
    try:
        with ignore.open("rb") as file:
            return file.read(len(RENDERED.encode())) == RENDERED.encode()
    except OSError:
        return False


def is_bundle(head: bytes) -> bool:
    """Whether a file that begins so is what `kit bundle` writes."""
    return all(head.startswith(wanted, at) for at, wanted in (_HEADER, _BUNDLED))


def make(folder: Path, mode: int = 0o777) -> None:
    """Make a folder. Where it is in a `.kit`, git leaves that out; a folder elsewhere is its user's.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    for above in folder.parents:
        if above.name == KIT:
            ignore = above / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
            return


def keep(path: Path, text: str) -> None:
    """Write a file into a folder of kit's.

    Raises:
        KitError: it cannot be written.
    """
    try:
        make(path.parent)
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise KitError(f'"{exc.filename or path}" cannot be written: {exc.strerror}.') from exc
