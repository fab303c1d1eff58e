"""What `kit run` keeps beside the topology: dead letters, which stay, and how its processes are reached meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from actorkit.deadletters.store import FOLDER_MODE
from actorkit_kit import held_file
from actorkit_kit.console import note
from actorkit_kit.errors import KitError
from actorkit_kit.kit_folder import make, place_in
from actorkit_kit.local import runs
from actorkit_kit.local.processes import Process

_T = TypeVar("_T")

#: The file that says how the processes are reached; locked as long as they run.
STATE_FILE: Final = "local.json"
#: What the folder's name ends with, after the topology's.
_LOCAL: Final = "-local"
#: The folder of the dead-letter box.
BOX_FOLDER: Final = "dead-letters"


def state_folder(base: Path, topology: str) -> Path:
    """Beside the topology, and apart from what `kit deploy` renders: a deployment that fails is put back as it was."""
    return place_in(base, f"{topology}{_LOCAL}")


def dead_letters_folder(base: Path, topology: str) -> Path:
    """The dead-letter box of a topology that `kit run` runs."""
    return state_folder(base, topology) / BOX_FOLDER


def kept_boxes(base: Path) -> list[str]:
    """The names of topologies that have a dead-letter box in a folder, whether they run or not."""
    boxes = place_in(base, "").glob(f"*{_LOCAL}/{BOX_FOLDER}")
    return sorted(box.parent.name.removesuffix(_LOCAL) for box in boxes)


def make_dead_letters_folder(base: Path, topology: str) -> Path | None:
    """Make the folder of the box; None, and a note, where that cannot be done."""
    box = dead_letters_folder(base, topology)
    try:
        make(box, FOLDER_MODE)
    except OSError as exc:
        note(f'kit: no dead letters are kept: "{box}" cannot be made: {exc.strerror}')
        return None
    return box


@contextmanager
def publish_processes(base: Path, topology: str, processes: Sequence[Process], console: str) -> Iterator[None]:
    """Keep the state file, which says how the processes and their console are reached, as long as the context is open.

    Where several `kit run` run one topology, only the first of them writes the file. Parameters stand in it, so only
    its owner can read it.
    """
    path = state_folder(base, topology) / STATE_FILE
    variables = [
        {name: value for name, value in process.environ.items() if name.startswith("ACTORKIT_")}
        for process in processes
    ]
    try:
        file = held_file.hold(path)
    except held_file.HeldElsewhere:
        note(f"kit: {topology} runs here already; `kit dlq retry` reaches those processes, not these")
        yield
        return
    except OSError as exc:
        note(f'kit: "{path}" cannot be written: {exc.strerror}; `kit dlq retry` will not find these processes')
        yield
        return
    with file:
        urls = {process.environ["ACTORKIT_INSTANCE"]: list(process.urls) for process in processes}
        told = {"topology": topology, "pid": os.getpid(), "processes": variables, "urls": urls, "console": console}
        json.dump(told, file)
        file.flush()
        with runs.announce(base, topology):
            try:
                yield
            finally:
                path.unlink(missing_ok=True)


def running_processes(base: Path, topology: str) -> list[Mapping[str, str]]:
    """The variables of each process that runs now; an empty list when `kit run` does not run, however it ended.

    Raises:
        KitError: the file cannot be read.
    """
    return _read_state(base, topology, list[Mapping[str, str]](), "processes")


def published_urls(base: Path, topology: str) -> Mapping[str, list[str]]:
    """Instance → the URLs of its published ports, of all that `kit run` runs now.

    Raises:
        KitError: the file cannot be read.
    """
    return _read_state(base, topology, dict[str, list[str]](), "urls")


def console_url(base: Path, topology: str) -> str:
    """Where the console of `kit run` is; "" when it does not run.

    Raises:
        KitError: the file cannot be read.
    """
    return _read_state(base, topology, "", "console")


def process_of_run(base: Path, topology: str) -> int | None:
    """The number of the process of `kit run` itself; None when it does not run.

    Raises:
        KitError: the file cannot be read.
    """
    found: int | None = _read_state(base, topology, None, "pid")
    return found


def _read_state(base: Path, topology: str, nothing: _T, key: str) -> _T:
    path = state_folder(base, topology) / STATE_FILE
    try:
        text = held_file.read(path)
        found: _T = json.loads(text)[key] if text is not None else nothing
    except (OSError, ValueError, KeyError) as exc:
        raise KitError(f'"{path}" cannot be read: {exc}. Stop `kit run` and start it again.') from exc
    return found


def running_topologies() -> list[tuple[Path, str]]:
    """Each topology of this user that `kit run` runs now: its folder and its name."""
    return [place for place in runs.find_runs() if running_processes(*place)]
