"""What a person sees of a build: a bar for each image on a terminal, a line for each image elsewhere."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from docker import DockerClient
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from actorkit_kit.console import note
from actorkit_kit.image import build, changes, lock, sbom
from actorkit_kit.image.resolve import check_base
from actorkit_kit.plan.model import Plan

#: How the classic builder begins a step.
_STEP: Final = re.compile(r"Step (\d+)/(\d+) : (.*)")


class Lines:
    """One line when an image is begun, one when it is done; everything when `verbose`."""

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        self._since = 0.0

    def started(self, tag: str) -> None:
        self._since = time.monotonic()
        note(f"kit: building {tag}")

    def line(self, tag: str, text: str) -> None:
        if self._verbose:
            note(f"{tag} | {text}")

    def finished(self, tag: str) -> None:
        note(f"kit: built {tag} in {time.monotonic() - self._since:.1f} s")


class Bars:
    """A bar for each image, moved by the steps of its Dockerfile."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def started(self, tag: str) -> None:
        self._tasks[tag] = self._progress.add_task(tag, total=None, step="")

    def line(self, tag: str, text: str) -> None:
        step = _STEP.match(text)
        if step:
            number, total, what = step.groups()
            self._progress.update(self._tasks[tag], completed=int(number) - 1, total=int(total), step=what[:40])

    def finished(self, tag: str) -> None:
        task = next(task for task in self._progress.tasks if task.id == self._tasks[tag])
        self._progress.update(task.id, completed=task.total or 1, total=task.total or 1, step="built")


@contextmanager
def show_progress(verbose: bool) -> Iterator[build.Progress]:
    """The progress that fits where stderr goes."""
    if verbose or not sys.stderr.isatty():
        yield Lines(verbose)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[step]}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bars(progress)


def build_outdated(
    client: DockerClient, plan: Plan, *, every: bool = False, no_cache: bool = False, verbose: bool = False
) -> list[build.Recipe]:
    """Build the images of a plan that are missing or changed, or all of them, and tell what has changed since the last
    time. The recipes that were built.

    Every image of the plan has a bill of materials then.

    Raises:
        KitError: a build failed.
    """
    all_of_them = build.recipes(plan)
    wanted = all_of_them if every else build.find_outdated(client, all_of_them)
    if wanted:
        locked = lock.read(plan)
        if locked is not None:
            check_base(client, locked)
        with show_progress(verbose) as progress:
            build.build(client, wanted, progress, no_cache=no_cache)
    sbom.write_all(client, plan, [recipe.tag for recipe in all_of_them])
    record = changes.record_path(plan)
    for line in changes.lines(changes.read_record(record), all_of_them):
        note(f"kit: {line}")
    changes.write_record(record, all_of_them)
    return wanted
