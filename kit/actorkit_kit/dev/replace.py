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

from actorkit.transport.endpoint import Endpoint
from actorkit_kit.classes.known import is_stock
from actorkit_kit.dev.fingerprint import fingerprint
from actorkit_kit.dev.forks import DEBUGGED, Forks
from actorkit_kit.dev.mistakes import told
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
#: Numbers of instances of one unit; the longest socket path has room for as many.
MOST_NUMBERS: Final = 1999


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

    `environ` is more environment for every process; `debugged`: actor → the port at which its first instance listens
    for a debugger. While one change is followed, no other may be.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        box: Path | None,
        say: Callable[[str, str], None],
        environ: Mapping[str, str],
        debugged: Mapping[str, int] | None = None,
    ) -> None:
        self.plan = plan
        self._folder = folder
        self._box = box
        self._environ = environ
        self._debugged = debugged or {}
        self._local = Local(plan, folder, box, sample_every=SAMPLE_EVERY)
        self._prints = self._fingerprints(plan)
        processes = [self._prepare(process) for process in self._local.processes()]
        stock = (unit.class_path.partition(":")[0] for unit in plan.units if is_stock(unit.class_path))
        self._forks = Forks(stock, environ)
        self.supervisor = Supervisor(processes, stop_waves(plan), say, starter=self._forks.start)
        self._ending: dict[Child, asyncio.Task[bool]] = {}
        #: Unit → the number that was given last.
        self._last_numbers: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Replacer of {self.plan.topology}: {len(self.supervisor.children)} instances, {len(self._ending)} end>"

    async def start(self, timeout_s: float) -> None:
        """Start everything, and wait until all is ready.

        Raises:
            KitError: a process ended first, or is not ready in time; everything has been stopped then.
        """
        await self._forks.open()
        try:
            await self.supervisor.start(timeout_s)
        except BaseException:
            await self._forks.close()
            raise

    @property
    def children(self) -> list[Child]:
        """The instances that stay."""
        return [child for child in self.supervisor.children if child not in self._ending]

    def _fingerprints(self, plan: Plan) -> dict[str, str]:
        return {unit.name: fingerprint(plan, unit) for unit in plan.units}

    def _prepare(self, process: Process) -> Process:
        process.environ.update(self._environ)
        port = self._debugged.get(process.unit.name)
        if port is not None:
            process.environ[DEBUGGED] = str(port + process.number - 1)
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
        alone = must_be_alone(unit) or unit.name in self._debugged  # The port is one.
        (self._folder / unit.name).mkdir(exist_ok=True)
        try:
            if alone:
                await asyncio.gather(*(self._end(child) for child in leaving))
            numbers = self._free_numbers(unit.name, max(missing, 0), lowest=alone)
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

    def _free_numbers(self, name: str, count: int, *, lowest: bool) -> list[int]:
        """Numbers that no instance has, also none that drains: the lowest, or those that were not given for the longest
        time. A sender that has lost a peer asks at its address less and less often, but at a new one at once."""
        there = (*self.supervisor.children, *self._ending)
        taken = {child.process.number for child in there if child.process.unit.name == name}
        before = 0 if lowest else self._last_numbers.get(name, max(taken, default=0))
        cycle = (*range(before + 1, MOST_NUMBERS + 1), *range(1, before + 1))
        found = [number for number in cycle if number not in taken][:count]
        self._last_numbers[name] = found[-1] if found else before
        return found

    def _end(self, child: Child) -> asyncio.Task[bool]:
        """Drain an instance, while all else goes on; whether it left nothing unfinished."""
        ending = asyncio.create_task(self._drain(child))
        self._ending[child] = ending
        ending.add_done_callback(lambda _: self._ending.pop(child))
        return ending

    async def _drain(self, child: Child) -> bool:
        """Drain an instance, and take its socket away, so that nobody looks for it there."""
        clean = await self.supervisor.remove(child)
        inbox = child.process.environ.get("ACTORKIT_INBOX", "")
        if inbox and (endpoint := Endpoint.parse(inbox)).transport == "ipc":
            Path(endpoint.host).unlink(missing_ok=True)
        return clean

    async def stop(self) -> list[Child]:
        """Drain and end everything; the children that left something unfinished."""
        await asyncio.gather(*self._ending.values())
        left = await self.supervisor.stop()
        await self._forks.close()
        return left

    async def kill(self) -> None:
        """End everything now."""
        await self.supervisor.kill()
        for child in self._ending:
            child.signal(signal.SIGKILL)
        await asyncio.gather(*self._ending.values())
        await self._forks.close()


def must_be_alone(unit: Unit) -> bool:
    """Whether a second instance cannot be there beside the first."""
    makes_events = unit.begins and not unit.serves
    return bool(unit.ports or unit.keeps) or makes_events or unit.kind == "registration"
