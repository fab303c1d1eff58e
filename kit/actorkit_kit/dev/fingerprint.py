"""Fingerprints of units: what has to be another for an instance to be replaced."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from actorkit_kit.author_code import survey
from actorkit_kit.dev.modules import files_of
from actorkit_kit.plan.model import Image, Plan, Unit


def fingerprint(plan: Plan, unit: Unit) -> str:
    """Stands for the class, the parameters, the connections and the content of all files of a unit.

    How many replicas it has, and what only containers have, is not in it.
    """
    bare = replace(unit, image=Image(""), replicas=1, waits=(), egress=(), memory_mb=0, cpus=0)
    digest = hashlib.sha256(repr((bare, [(met.name, met.ports) for met in plan.meets(unit)])).encode())
    for path in files_of_unit(plan, unit):
        digest.update(f"\0{path}\0".encode())
        digest.update(_content(path))
    return digest.hexdigest()


def files_of_unit(plan: Plan, unit: Unit) -> list[Path]:
    """All files that a unit is made of: those of its parameters, its secrets, its code."""
    mounted = [mount.source for mount in unit.mounts if mount.content is None and not mount.variable]
    return [*mounted, *code_of(plan, unit)]


def code_of(plan: Plan, unit: Unit) -> list[Path]:
    """The files of the author's folder that a unit is made of: Python files that its class imports, and all others of
    its package. What else is in the folder may be what actors write."""
    folder = unit.image.build
    if folder is None:
        return []
    own = files_of(unit.class_path, folder)
    files = survey(folder, plan.secret_files).files.values()
    package = folder / unit.class_path.partition(":")[0].partition(".")[0]

    def belongs(path: Path) -> bool:
        return own is None or path in own if path.suffix == ".py" else path.is_relative_to(package)

    return [path for path in files if belongs(path)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b"not there"  # it is being written, or gone: either way it is another
