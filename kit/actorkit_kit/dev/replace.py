"""Replaces instances while the others go on: only those whose fingerprint is another.

An instance that can be there twice is replaced side by side: the new one is ready before the old one is told to drain,
so nothing waits, and where the new one does not come up the old one stays. One that must be alone, since it publishes a
port, keeps files or makes events, ends first; what goes to it waits upstream meanwhile.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from actorkit_kit.dev.fingerprint import fingerprint
from actorkit_kit.dev.mistakes import told
from actorkit_kit.dev.spares import Spares
from actorkit_kit.errors import KitError
from actorkit_kit.local.child import Child
from actorkit_kit.local.processes import Local, Process, replicas
from actorkit_kit.local.supervisor import Supervisor
from actorkit_kit.plan.model import Plan, Unit
from actorkit_kit.plan.planner import stop_waves

#: Longest time until new instances are ready, in seconds.
READY_S: Final = 30.0
#: One trace of so many is recorded: all of them, as who works on a graph wants to see the way of each event.
SAMPLE_EVERY: Final = 1


@dataclass
class Changes:
    """What one change of files came to: the names of units, and why some of them are as they were."""

    started: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.started or self.replaced or self.ended or self.failures)


class Replacer:
    """The instances of a topology that is worked on. `folder` holds their sockets, `box` their dead letters.

    `environ` is more environment for every process. While one change is followed, no other may be.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        box: Path | None,
        say: Callable[[str, str], None],
        environ: Mapping[str, str],
    ) -> None:
        self.plan = plan
        self._folder = folder
        self._box = box
        self._environ = environ
        self._local = Local(plan, folder, box, sample_every=SAMPLE_EVERY)
        self._prints = self._fingerprints(plan)
        processes = [self._prepare(process) for process in self._local.processes()]
        own = [replicas(unit) for unit in plan.units if unit.image.build is not None]
        self._spares = Spares(max(own, default=0) + 1, environ)
        self.supervisor = Supervisor(processes, stop_waves(plan), say, starter=self._spares.start)
        self._ending: dict[Child, asyncio.Task[bool]] = {}

    def __repr__(self) -> str:
        return f"<Replacer of {self.plan.topology}: {len(self.supervisor.children)} instances, {len(self._ending)} end>"

    async def start(self, timeout_s: float) -> None:
        """Start everything, and wait until all is ready.

        Raises:
            KitError: a process ended first, or is not ready in time; everything has been stopped then.
        """
        await self.supervisor.start(timeout_s)
        await self._spares.fill_up()

    @property
    def children(self) -> list[Child]:
        """The instances that stay."""
        return [child for child in self.supervisor.children if child not in self._ending]

    def _fingerprints(self, plan: Plan) -> dict[str, str]:
        return {unit.name: fingerprint(plan, unit) for unit in plan.units}

    def _prepare(self, process: Process) -> Process:
        process.environ.update(self._environ)
        return process

    def find_stale(self, plan: Plan) -> list[Unit]:
        """The units of a plan that run otherwise now, or not at all."""
        prints = self._fingerprints(plan)
        return [unit for unit in plan.units if self._prints.get(unit.name) != prints[unit.name]]

    async def follow(self, plan: Plan, also: frozenset[str] = frozenset()) -> Changes:
        """Have what runs be as the plan says, and replace the units `also`. Receivers come before their senders, so
        that whoever sends to a new one finds it."""
        changes, prints = Changes(), self._fingerprints(plan)
        ours = {port.published for unit in self.plan.units for port in unit.ports}
        self._local = Local(plan, self._folder, self._box, ours, SAMPLE_EVERY)
        wanted = {unit.name: unit for unit in plan.units}
        self.plan = plan
        self.supervisor.follow(stop_waves(plan))
        turns = {name: turn for turn, wave in enumerate(reversed(stop_waves(plan))) for name in wave}
        stale = [unit for unit in plan.units if unit.name in also or not self._is_right(unit, prints[unit.name])]
        for unit in sorted(stale, key=lambda unit: turns[unit.name]):
            await self._bring(unit, prints[unit.name], changes, anew=unit.name in also)
        gone = [child for child in self.children if child.process.unit.name not in wanted]
        await self._spares.fill_up()
        changes.ended = sorted({child.process.unit.name for child in gone})
        for child in gone:
            self._end(child)
        for name in changes.ended:
            self._prints.pop(name, None)
        return changes

    def _is_right(self, unit: Unit, print_: str) -> bool:
        """Whether a unit runs as it is wanted, with as many instances."""
        return self._prints.get(unit.name) == print_ and len(self._children(unit.name)) == replicas(unit)

    def _children(self, name: str) -> list[Child]:
        return [child for child in self.children if child.process.unit.name == name]

    async def _bring(self, unit: Unit, print_: str, changes: Changes, *, anew: bool) -> None:
        """Have one unit be as it is wanted."""
        old = self._children(unit.name)
        same = not anew and self._prints.get(unit.name) == print_
        missing = replicas(unit) - len(old) if same else replicas(unit)
        leaving = old[replicas(unit) :] if same else old
        alone = must_be_alone(unit)
        (self._folder / unit.name).mkdir(exist_ok=True)
        try:
            if alone:
                await asyncio.gather(*(self._end(child) for child in leaving))
            numbers = self._free_numbers(unit.name, max(missing, 0))
            new = [self._prepare(self._local.process(unit, number)) for number in numbers]
            await self.supervisor.add_ready(new, READY_S)
        except KitError as exc:
            changes.failures[unit.name] = told(exc, unit.image.build)
            return
        self._prints[unit.name] = print_
        (changes.replaced if old else changes.started).append(unit.name)
        if not alone:
            for child in leaving:
                self._end(child)

    def _free_numbers(self, name: str, count: int) -> list[int]:
        """Numbers that no instance has, also none that drains."""
        there = (*self.supervisor.children, *self._ending)
        taken = {child.process.number for child in there if child.process.unit.name == name}
        free = (number for number in range(1, len(taken) + count + 1) if number not in taken)
        return [next(free) for _ in range(count)]

    def _end(self, child: Child) -> asyncio.Task[bool]:
        """Drain an instance, while all else goes on; whether it left nothing unfinished."""
        ending = asyncio.create_task(self.supervisor.remove(child))
        self._ending[child] = ending
        ending.add_done_callback(lambda _: self._ending.pop(child))
        return ending

    async def stop(self) -> list[Child]:
        """Drain and end everything; the children that left something unfinished."""
        await self._spares.close()
        await asyncio.gather(*self._ending.values())
        return await self.supervisor.stop()

    async def kill(self) -> None:
        """End everything now."""
        await self._spares.close()
        await self.supervisor.kill()
        for child in self._ending:
            child.signal(signal.SIGKILL)
        await asyncio.gather(*self._ending.values())


def must_be_alone(unit: Unit) -> bool:
    """Whether a second instance cannot be there beside the first."""
    makes_events = unit.begins and not unit.serves
    return bool(unit.ports or unit.keeps) or makes_events or unit.kind == "registration"
