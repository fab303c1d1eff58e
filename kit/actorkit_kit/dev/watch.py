"""Tells which files of a topology's author have changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from watchfiles import DefaultFilter, awatch

from actorkit_kit.kit_folder import KIT
from actorkit_kit.plan.model import Plan

#: So long further changes are waited for, after one, in milliseconds; and how often it is looked for them.
DEBOUNCE_MS: Final = 100
STEP_MS: Final = 20
#: So long without a change it is told that there is none, in milliseconds.
IDLE_MS: Final = 100


def folders_of(plan: Plan) -> list[Path]:
    """The folders in which the files of a topology lie, none of them within another."""
    found = {plan.base}
    for unit in plan.units:
        found |= {unit.image.build} if unit.image.build is not None else set()
        found |= {mount.source.parent for mount in unit.mounts if mount.content is None and not mount.variable}
    resolved = {folder.resolve() for folder in found}
    return sorted(
        path for path in resolved if not any(path != other and path.is_relative_to(other) for other in resolved)
    )


async def changed_files(folders: Iterable[Path], stop: asyncio.Event) -> AsyncIterator[frozenset[Path]]:
    """The files that changed, again and again, until `stop` is set; none where nothing has changed for a moment. From
    the first time on all changes are seen. What tools and kit itself write is left out."""
    ignored = (*DefaultFilter.ignore_dirs, KIT)
    watched = awatch(
        *folders,
        watch_filter=DefaultFilter(ignore_dirs=ignored),
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        stop_event=stop,
        rust_timeout=IDLE_MS,
        yield_on_timeout=True,
    )
    async for changes in watched:
        yield frozenset(Path(path) for _, path in changes)
