"""The history of a deployment: the revisions of it that became healthy, each whole, in the folder that it runs from.

A revision holds what was rendered, secrets included; so the history is its owner's alone.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import dropwhile
from pathlib import Path
from typing import Final

from actorkit_kit.deploy.services import Service
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.render import folder

#: The history's folder, in that of the deployment.
HISTORY: Final = "history"
#: Revisions that are kept, the one that runs included.
KEPT: Final = 10
_FACTS: Final = "revision.json"
_FILES: Final = "files"


@dataclass(frozen=True)
class Revision:
    """A deployment that became healthy. `time` is UTC; `changes` says what was other than in the one before it;
    `services` is name → (image, digest of the settings, replicas)."""

    number: int
    time: str
    digest: str
    changes: tuple[str, ...]
    services: Mapping[str, tuple[str, str, int]]

    @property
    def images(self) -> frozenset[str]:
        """The images that it runs."""
        return frozenset(image for image, _digest, _replicas in self.services.values())


def revisions(where: Path) -> list[Revision]:
    """The revisions of the deployment that runs from a folder, the last one last. One that cannot be read is left out:
    it was cut off when it was written."""
    found = []
    for path in sorted((where / HISTORY).glob(f"*/{_FACTS}")):
        try:
            facts = json.loads(path.read_text())
            services = {name: tuple(entry) for name, entry in facts.pop("services").items()}
            found.append(Revision(**{**facts, "changes": tuple(facts["changes"])}, services=services))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
    return sorted(found, key=lambda revision: revision.number)


def files_of(where: Path, number: int) -> dict[str, str | bytes]:
    """What was rendered for a revision, by path; empty where it is not kept."""
    return folder.read(_place(where, number) / _FILES)


def find(where: Path, number: int | None) -> Revision:
    """The revision of that number; without one, the last but one.

    Raises:
        UsageError: it is not kept.
    """
    kept = revisions(where)
    if number is None:
        if len(kept) < 2:
            raise UsageError("there is no revision before the one that runs. kit history shows those that are kept.")
        return kept[-2]
    for revision in kept:
        if revision.number == number:
            return revision
    numbers = ", ".join(str(revision.number) for revision in kept) or "none"
    raise UsageError(f"revision {number} is not kept. There are: {numbers}.")


def add(
    where: Path, rendered: Mapping[str, str | bytes], services: Mapping[str, Service], digest: str, reason: str = ""
) -> tuple[Revision, frozenset[str]]:
    """Keep what has become healthy, if it is other than the last one. The revision, and the images that no revision
    names any more.

    Raises:
        KitError: the folder cannot be written.
    """
    kept = revisions(where)
    last = kept[-1] if kept else None
    entries = {service.name: (service.image, service.digest, service.replicas) for service in services.values()}
    changes: tuple[str, ...] = ("the first one",)
    if last:
        before = files_of(where, last.number)
        # Most changes of files are those of services, and said as such.
        changes = _changes(last, entries, _changed_secrets(before, rendered)) or _changed_files(before, rendered)
    if last and not changes:
        return last, frozenset()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    changes = (reason, *changes) if reason else changes
    revision = Revision(last.number + 1 if last else 1, now, digest, changes, entries)
    _write(where, revision, rendered)
    gone = [*kept, revision][:-KEPT]
    for old in gone:
        shutil.rmtree(_place(where, old.number), ignore_errors=True)
    named = frozenset().union(*(revision.images for revision in [*kept, revision][-KEPT:]))
    return revision, frozenset().union(*(old.images for old in gone)) - named


def _place(where: Path, number: int) -> Path:
    return where / HISTORY / f"{number:04d}"


def _write(where: Path, revision: Revision, rendered: Mapping[str, str | bytes]) -> None:
    place = _place(where, revision.number)
    try:
        (where / HISTORY).mkdir(mode=folder.OWNER_ONLY, parents=True, exist_ok=True)
        (where / HISTORY).chmod(folder.OWNER_ONLY)
        shutil.rmtree(place, ignore_errors=True)
        folder.write(rendered, place / _FILES)
        # The facts come last: a revision without them was cut off, and is none.
        (place / _FACTS).write_text(json.dumps(asdict(revision), sort_keys=True) + "\n")
    except OSError as exc:
        raise KitError(f'"{exc.filename or place}" cannot be written: {exc.strerror}.') from exc


def _changed_files(before: Mapping[str, str | bytes], now: Mapping[str, str | bytes]) -> tuple[str, ...]:
    """The files that are others, less the comments that they begin with, which change with the topology's digest."""
    paths = sorted(path for path in {*before, *now} if _content(before.get(path)) != _content(now.get(path)))
    return tuple(f"{path} changed" for path in paths)


def _content(file: str | bytes | None) -> bytes | None:
    return None if file is None else without_header(_bytes(file))


def without_header(content: bytes) -> bytes:
    """A file less the comments that it begins with."""
    kept = list(dropwhile(_is_comment, content.splitlines(keepends=True)))
    return b"".join(kept)


def _is_comment(line: bytes) -> bool:
    return line.startswith(b"#")


def _changed_secrets(before: Mapping[str, str | bytes], rendered: Mapping[str, str | bytes]) -> list[str]:
    return sorted(
        path.removeprefix("secrets/")
        for path, content in rendered.items()
        if path.startswith("secrets/") and path in before and _bytes(before[path]) != _bytes(content)
    )


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _changes(last: Revision, now: Mapping[str, tuple[str, str, int]], secrets: list[str]) -> tuple[str, ...]:
    """What is other than in the last revision, a text for each service and secret."""
    said = []
    for name in sorted({*last.services, *now}):
        if name not in last.services:
            said.append(f"{name} is new")
        elif name not in now:
            said.append(f"{name} is gone")
        else:
            (image, digest, replicas), then = now[name], last.services[name]
            if image != then[0]:
                said.append(f"{name}: {image}")
            elif digest != then[1]:
                said.append(f"{name}: other settings")
            if replicas != then[2]:
                said.append(f"{name}: {then[2]} → {replicas} replicas")
    return (*said, *(f"secret {name} changed" for name in secrets))
