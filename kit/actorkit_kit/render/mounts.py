"""What the mounts of a plan hold, each file once, under names that are free of folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Mount, Plan, Unit
from actorkit_kit.plan.mount_name import mount_name
from actorkit_kit.plan.secret import variable_content


@dataclass(frozen=True)
class File:
    """A file of a unit: `key` is unique in the unit's files, or in the plan's secrets; `target` in the container."""

    unit: str
    key: str
    target: str
    content: bytes


def files(unit: Unit) -> list[File]:
    """The files of a unit that are no secrets, ordered by key."""
    found = [
        File(unit.name, mount_name(mount.name), mount.target, read(mount)) for mount in unit.mounts if not mount.secret
    ]
    return sorted(found, key=lambda file: file.key)


def digest(found: Iterable[File]) -> str:
    """A short hash of names and contents."""
    whole = hashlib.sha256()
    for file in found:
        whole.update(f"{file.key}\0{len(file.content)}\0".encode() + file.content)
    return whole.hexdigest()[:16]


def secrets(plan: Plan) -> dict[str, Mount]:
    """The secrets of a plan by name, each once."""
    found = {mount_name(mount.name): mount for unit in plan.units for mount in unit.mounts if mount.secret}
    return dict(sorted(found.items()))


def secret_targets(unit: Unit) -> dict[str, str]:
    """Name of a secret → where the unit reads it."""
    return dict(sorted((mount_name(mount.name), mount.target) for mount in unit.mounts if mount.secret))


def read(mount: Mount) -> bytes:
    """The content of a mount.

    Raises:
        KitError: the file cannot be read, or the variable is not set.
    """
    if mount.content is not None:
        return mount.content.encode()
    if mount.variable:
        return variable_content(mount)
    try:
        return mount.source.read_bytes()
    except OSError as exc:
        raise KitError(f'"{mount.source}" cannot be read: {exc.strerror}. Put the file "{mount.name}" there.') from exc
