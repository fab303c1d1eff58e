"""Looks after the processes of `kit run`: starts them, waits until all are ready, restarts what dies, and stops them.

Stops in three steps: sources first, so that nothing new comes in; then what they lead to, each with its time to drain;
then whatever is still there is killed.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from typing import Final

from actorkit_kit.errors import KitError
from actorkit_kit.local.child import Child, Starter, start_cold
from actorkit_kit.local.processes import Process

#: Time between two looks at whether everything is ready, in seconds: the first one, and the longest; each is half as
#: long again as the one before it.
FIRST_LOOK_S: Final = 0.01
PROBE_INTERVAL_S: Final = 0.05
#: Time before a restart, in seconds, and how many there are with it: an event that ends what consumes it is given up by
#: then. After that the pause doubles with each, up to the longest, in seconds.
FIRST_PAUSE_S: Final = 0.1
PATIENT: Final = 5
LONGEST_PAUSE_S: Final = 15.0
#: A process that lived this long, in seconds, starts again with the first pause.
STEADY_S: Final = 30.0
#: What a process gets on top of its time to drain before it is killed, in seconds.
GRACE_S: Final = 5.0


class EndedEarly(KitError):
    """Raised when a process ended before it was ready; `lines` are the last that it wrote."""

    def __init__(self, message: str, lines: tuple[str, ...]) -> None:
        super().__init__(message)
        self.lines = lines


class Supervisor:
    """Runs processes. `waves` are the names of units in the order in which they stop; `say` gets every line,
    `starter` starts a process."""

    def __init__(
        self,
        processes: Sequence[Process],
        waves: Sequence[Sequence[str]],
        say: Callable[[str, str], None],
        first_pause_s: float = FIRST_PAUSE_S,
        starter: Starter = start_cold,
    ) -> None:
        self._starter = starter
        self.children = [Child(process, say, starter) for process in processes]
        self._waves = waves
        self._say = say
        self._first_pause_s = first_pause_s
        self._restarters: dict[Child, asyncio.Task[None]] = {}

    async def start(self, timeout_s: float) -> None:
        """Start everything and wait until all of it is ready.

        Raises:
            KitError: a process ended first, or is not ready in time; everything has been stopped then.
        """
        try:
            for child in self.children:
                await child.start()
            await _all_ready(self.children, timeout_s)
        except BaseException:
            await self.kill()
            raise
        self._restarters = {child: asyncio.create_task(self._restart_after_end(child)) for child in self.children}

    async def add(self, process: Process) -> Child:
        """Start one more process, and look after it."""
        child = Child(process, self._say, self._starter)
        await child.start()
        self._look_after(child)
        return child

    async def add_ready(self, processes: Sequence[Process], timeout_s: float) -> list[Child]:
        """Start more processes, wait until all of them are ready, and look after them.

        Raises:
            KitError: one ended first, or is not ready in time; they have all been ended then, and no other.
        """
        added = [Child(process, self._say, self._starter) for process in processes]
        try:
            for child in added:
                await child.start()
            await _all_ready(added, timeout_s)
        except BaseException:
            await _kill(added)
            raise
        for child in added:
            self._look_after(child)
        return added

    def _look_after(self, child: Child) -> None:
        self.children.append(child)
        self._restarters[child] = asyncio.create_task(self._restart_after_end(child))

    def follow(self, waves: Sequence[Sequence[str]]) -> None:
        """Stop in another order from now on: the topology has changed."""
        self._waves = waves

    async def remove(self, child: Child) -> bool:
        """Drain and end one process for good; whether it left nothing unfinished."""
        self.children.remove(child)
        restarter = self._restarters.pop(child)
        restarter.cancel()
        await asyncio.gather(restarter, return_exceptions=True)
        return await _end(child)

    async def _restart_after_end(self, child: Child) -> None:
        pause_s, again = self._first_pause_s, 0
        while True:
            status = await child.wait()
            if time.monotonic() - child.started_at >= STEADY_S:
                pause_s, again = self._first_pause_s, 0
            elif again >= PATIENT:
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            self._say(child.process.name, f"ended {_how(status)}; starts again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            child.restarts += 1
            again += 1
            await child.start()

    async def stop(self) -> list[Child]:
        """Drain and end everything, sources first; the children that left something unfinished or had to be killed."""
        await self._stop_restarting()
        left = []
        for wave in self._waves:
            members = [child for child in self.children if child.process.unit.name in wave]
            left += [
                child
                for child, clean in zip(members, await asyncio.gather(*map(_end, members)), strict=True)
                if not clean
            ]
        return left

    async def kill(self) -> None:
        """End everything now."""
        await self._stop_restarting()
        await _kill(self.children)

    async def _stop_restarting(self) -> None:
        """Start no process again. This comes first: one that is just being started again would be left over."""
        for restarter in self._restarters.values():
            restarter.cancel()
        await asyncio.gather(*self._restarters.values(), return_exceptions=True)


async def _all_ready(children: Sequence[Child], timeout_s: float) -> None:
    """Wait until all are ready.

    Raises:
        KitError: one ended first, or is not ready in time.
    """
    deadline = time.monotonic() + timeout_s
    waiting = list(children)
    reasons: dict[Child, str] = {}
    pause_s = FIRST_LOOK_S
    while waiting:
        for child in children:
            if not child.alive:
                status = await child.wait()
                what = f'"{child.process.name}" ended {_how(status)} before it was ready: {child.last_words()}'
                raise EndedEarly(what, tuple(child.last_lines))
        answers = await asyncio.gather(*(child.readiness() for child in waiting))
        reasons = {child: reason for child, reason in zip(waiting, answers, strict=True) if reason}
        waiting = list(reasons)
        if waiting and time.monotonic() >= deadline:
            told = "; ".join(f"{child.process.name}: {reason}" for child, reason in reasons.items())
            raise KitError(f"not ready after {timeout_s:g} s: {told}. Give it longer with --timeout.")
        if waiting:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, PROBE_INTERVAL_S)


async def _kill(children: Sequence[Child]) -> None:
    for child in children:
        child.signal(signal.SIGKILL)
    await asyncio.gather(*(child.wait() for child in children))


async def _end(child: Child) -> bool:
    """Drain one process; whether it ended cleanly. A process that has died and not been started again is clean."""
    if not child.alive:
        return True
    child.signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(child.process.unit.drain_timeout_s + GRACE_S):
            return await child.wait() == 0
    except TimeoutError:
        child.signal(signal.SIGKILL)
        await child.wait()
        return False


def _how(status: int) -> str:
    return f"with status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
