"""A new topology in a folder of its own: from a template, or from an example of actorkit's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from actorkit_kit.assets import asset, files_under
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.files import is_folder
from actorkit_kit.scaffold import templates, words
from actorkit_kit.topology.findings import suggest

#: The folder of the examples.
EXAMPLES: Final = "examples"


def new_topology(folder: Path) -> list[Path]:
    """Write a topology that is called as its folder, with an actor and its test; the files.

    Raises:
        UsageError: there is something in the folder, or it has no name for a topology.
        KitError: a file cannot be written.
    """
    name = folder.resolve().name
    _refuse_full(folder)
    return templates.write(folder, templates.fill_in("topology", {"name": name, "package": words.package_name(name)}))


def examples() -> list[str]:
    """The names of the examples that are a topology."""
    return sorted(path.parent.name for path in asset(EXAMPLES).glob("*/topology.yaml"))


def copy_example(name: str, folder: Path) -> list[Path]:
    """Copy an example; the files.

    Raises:
        UsageError: there is no such example, or something is in the folder.
        KitError: a file cannot be written.
    """
    if name not in examples():
        raise UsageError(f'there is no example "{name}". {suggest(name, examples())}')
    _refuse_full(folder)
    source = asset(EXAMPLES) / name
    found = []
    for path in files_under(source):
        copy = folder / path.relative_to(source)
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        except OSError as exc:
            raise KitError(f'"{copy}" cannot be written: {exc.strerror}.') from exc
        found.append(copy)
    return found


def _refuse_full(folder: Path) -> None:
    if folder.exists() and not (is_folder(folder) and not any(folder.iterdir())):
        raise UsageError(f'"{folder}" is there already. Choose another name, or take it away first.')
