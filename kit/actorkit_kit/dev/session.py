"""What becomes of each save: a plan is made anew where it may be another, and instances are replaced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from actorkit_kit.dev.fingerprint import code_of, files_of_unit
from actorkit_kit.dev.mistakes import find_mistakes
from actorkit_kit.dev.replace import Changes, Replacer, must_be_alone
from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Plan

#: Endings of programs and topologies.
_WRITTEN_BY_AUTHORS: Final = (".py", ".yaml", ".yml")


class Session:
    """Follows the files of a topology. `load` makes the plan of what is written now; `tell` gets a line of news."""

    def __init__(self, replacer: Replacer, load: Callable[[], Plan], tell: Callable[[str], None]) -> None:
        self._replacer = replacer
        self._load = load
        self._tell = tell
        #: Whether the topology had mistakes when it was last read.
        self._is_wrong = False
        self._saves = 0
        #: Whether nobody has looked at the classes since instances started or were replaced.
        self.is_to_look_again = True

    async def follow(self, files: Collection[Path]) -> Changes:
        """Do what these changed files ask for."""
        began, known = time.monotonic(), self._replacer.plan
        files = [path for path in files if self._is_wrong or _concerns(known, path)]
        if not files:
            return Changes()
        self._saves += 1
        self.is_to_look_again = False
        stale = self._replacer.find_stale(known)
        code = _code(known)
        saved = [path for path in files if path.resolve() in code]
        if mistakes := find_mistakes(saved):
            for mistake in mistakes:
                self._tell(f"{mistake}; what runs stays as it was")
            return Changes()
        code_only = len(saved) == len(files) and not self._is_wrong
        if not code_only or any(must_be_alone(unit) for unit in stale):
            return await self._follow_plan(await self._load_plan(), began)
        # The new instance itself tells whether the code is right, sooner than a look at its classes would.
        changes = await self._replacer.follow(known)
        self._report(changes, began)
        self.is_to_look_again = bool(changes) and not changes.failures
        return changes

    async def look_again(self, turn: asyncio.Lock) -> Changes:
        """What a class says of itself may be another now, and so the plan: this looks at it, after the instances have
        been replaced already. It needs its turn for what it changes; a save meanwhile makes it superfluous."""
        began, saves = time.monotonic(), self._saves
        plan = await self._load_plan()
        async with turn:
            self.is_to_look_again = self.is_to_look_again and saves != self._saves
            return await self._follow_plan(plan, began) if saves == self._saves else Changes()

    async def _load_plan(self) -> Plan | None:
        """The plan of what is written now; None where it has mistakes, which are told."""
        try:
            plan = await asyncio.to_thread(self._load)
        except KitError as exc:
            self._is_wrong = True
            for line in str(exc).splitlines():
                self._tell(line)
            self._tell("what runs stays as it was")
            return None
        self._is_wrong = False
        return plan

    async def _follow_plan(self, plan: Plan | None, began: float) -> Changes:
        changes = await self._replacer.follow(plan) if plan is not None else Changes()
        self._report(changes, began)
        return changes

    async def replace_all(self) -> None:
        """Replace every instance."""
        began = time.monotonic()
        plan = self._replacer.plan
        self._report(await self._replacer.follow(plan, frozenset(unit.name for unit in plan.units)), began)

    def _report(self, changes: Changes, began: float) -> None:
        seconds = time.monotonic() - began
        for what, names in (
            ("started", changes.started),
            ("replaced", changes.replaced),
            ("drains", changes.ended),
        ):
            if names:
                self._tell(f"{what} {', '.join(names)} ({seconds:.2f} s)")
        for name, why in changes.failures.items():
            self._tell(f"{why}; the old instance of {name} stays" if self._runs(name) else why)

    def _runs(self, name: str) -> bool:
        return any(child.process.unit.name == name for child in self._replacer.children)


def _code(plan: Plan) -> set[Path]:
    """The Python files that the actors of a plan are made of."""
    return {path.resolve() for unit in plan.units for path in code_of(plan, unit) if path.suffix == ".py"}


def _concerns(plan: Plan, path: Path) -> bool:
    """Whether a file may have to do with what runs. What actors write beside the topology has not."""
    if path.suffix in _WRITTEN_BY_AUTHORS:
        return True
    files = {file.resolve() for unit in plan.units for file in files_of_unit(plan, unit)}
    folders = {file.parent for file in files} - {plan.base.resolve()}
    return path.resolve() in files or path.parent.resolve() in folders
