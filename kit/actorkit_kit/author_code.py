"""The code of an author: which files of the folder `build:` go into an image, and which stay out, and why.

An image is copied, pushed and kept by many: nothing secret belongs in it, and nothing that somebody did not mean.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docker.utils.build import PatternMatcher

from actorkit_kit.errors import KitError
from actorkit_kit.kit_folder import BUNDLE_HEAD_BYTES, is_bundle, is_rendered

#: What tools leave behind. It is no part of any code, so nobody is told.
_LEFT_BEHIND: Final = frozenset(
    (
        "__pycache__",
        ".dockerignore",
        ".git",
        ".gitignore",
        ".kit",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        "kit.lock",
    )
)
#: Where to look for the line that a private key begins with (RFC 7468 §10), in bytes from the beginning of a file.
_HEAD_BYTES: Final = 200


@dataclass(frozen=True)
class AuthorCode:
    """What was found: path in the folder → file, sorted; and what stays out: (path in the folder, reason)."""

    files: dict[str, Path]
    left_out: tuple[tuple[str, str], ...]


def survey(folder: Path, secrets: Collection[Path] = ()) -> AuthorCode:
    """Look through a folder. `secrets` are files and folders that hold secrets of the topology.

    Links are followed as far as they stay inside of the folder. What `.dockerignore` names is left out without a word.

    Raises:
        KitError: there is no such folder.
    """
    if not folder.is_dir():
        raise KitError(f'"{folder}" is no folder. "build" names the folder with the code of an actor.')
    root = folder.resolve()
    hidden = {path.resolve() for path in secrets}
    ignored = _ignore_rules(folder)
    files: dict[str, Path] = {}
    left_out = []
    for path, reason in _walk(folder, root, hidden):
        name = str(path.relative_to(folder))
        if ignored.matches(name):  # type: ignore[arg-type]  # it takes text, whatever its stubs say
            continue
        if reason:
            left_out.append((name, reason))
        else:
            files[name] = path
    return AuthorCode(dict(sorted(files.items())), tuple(sorted(left_out)))


def holds(folder: Path, class_path: str) -> bool:
    """Whether the module of a class, or the package that it is in, lies in a folder."""
    top = class_path.partition(":")[0].partition(".")[0]
    return (folder / top).is_dir() or (folder / f"{top}.py").is_file()


def _walk(folder: Path, root: Path, hidden: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """Every file below the folder, with the reason why it stays out or "". A folder stands for its files if it does."""
    pending = [folder]
    while pending:
        here = pending.pop()
        for path in sorted(here.iterdir()):
            if path.name in _LEFT_BEHIND or path.suffix == ".pyc" or path.name.endswith(".egg-info"):
                continue
            reason = _reason(path, root, hidden)
            if reason or not path.is_dir():
                yield path, reason
            else:
                pending.append(path)


def _reason(path: Path, root: Path, hidden: Collection[Path]) -> str:
    """Why something stays out; "" where it does not."""
    if path.name.startswith("."):
        return "its name begins with a dot"
    real = path.resolve()
    if path.is_symlink():
        if not real.exists():
            return f'a link to "{path.readlink()}", which is not there'
        if not real.is_relative_to(root):
            return f'a link to "{path.readlink()}", which is outside of the folder'
        if path.parent.resolve().is_relative_to(real):
            return "a link to a folder that it is in"
    if real in hidden or any(secret in real.parents for secret in hidden):
        return "a secret of the topology"
    if real.is_dir() and is_rendered(real):
        return "rendered by kit"
    if real.is_file():
        return _content_reason(real)
    return "" if real.is_dir() else "neither a file nor a folder"


def _content_reason(path: Path) -> str:
    """Why a file stays out for what is in it; "" where it does not."""
    try:
        with path.open("rb") as file:
            head = file.read(BUNDLE_HEAD_BYTES)
    except OSError as exc:
        raise KitError(
            f'"{path}" cannot be read: {exc.strerror}. Let it be read, or name it in .dockerignore.'
        ) from exc
    if is_bundle(head):
        return "a bundle of kit"
    beginning = head[:_HEAD_BYTES]
    return "a private key" if b"-----BEGIN " in beginning and b"PRIVATE KEY-----" in beginning else ""


def _ignore_rules(folder: Path) -> PatternMatcher:
    """What `.dockerignore` leaves out, which may be nothing."""
    ignore = folder / ".dockerignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    return PatternMatcher([line.strip() for line in lines if line.strip() and not line.startswith("#")])
