"""What the mounts of a plan hold, each file once, under names that are free of folders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Mount, Plan, Unit
from actorkit_kit.plan.secret import variable_content

#: What a longer name is cut to before its hash: with it, it is a key of a ConfigMap (at most 253 characters).
MAX_NAME: Final = 200
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,200}\Z")


@dataclass(frozen=True)
class File:
    """A file of a unit: `key` is unique in the unit's files, or in the plan's secrets; `target` in the container."""

    unit: str
    key: str
    target: str
    content: bytes


def files(unit: Unit) -> list[File]:
    """The files of a unit that are no secrets, ordered by key."""
    found = [File(unit.name, _key(mount), mount.target, read(mount)) for mount in unit.mounts if not mount.secret]
    return sorted(found, key=lambda file: file.key)


def digest(found: Iterable[File]) -> str:
    """A short hash of names and contents."""
    whole = hashlib.sha256()
    for file in found:
        whole.update(f"{file.key}\0{len(file.content)}\0".encode() + file.content)
    return whole.hexdigest()[:16]


def secrets(plan: Plan) -> dict[str, Mount]:
    """The secrets of a plan by name, each once."""
    found = {_key(mount): mount for unit in plan.units for mount in unit.mounts if mount.secret}
    return dict(sorted(found.items()))


def secret_targets(unit: Unit) -> dict[str, str]:
    """Name of a secret → where the unit reads it."""
    return dict(sorted((_key(mount), mount.target) for mount in unit.mounts if mount.secret))


def _key(mount: Mount) -> str:
    """The name of a mount as that of a file and of a key in a ConfigMap or Secret; no two names become one."""
    if _FILE_NAME.match(mount.name) and mount.name.strip("."):
        return mount.name
    flat = re.sub(r"[^A-Za-z0-9._-]", "-", mount.name)[:MAX_NAME]
    return f"{flat.strip('.')}-{hashlib.sha256(mount.name.encode()).hexdigest()[:8]}"


def read(mount: Mount) -> bytes:
    """The content of a mount.

    Raises:
        KitError: the file cannot be read, or the variable is not set.
    """
    if mount.variable:
        return variable_content(mount).encode()
    try:
        return mount.source.read_bytes()
    except OSError as exc:
        raise KitError(f'"{mount.source}" cannot be read: {exc.strerror}. Put the file "{mount.name}" there.') from exc
