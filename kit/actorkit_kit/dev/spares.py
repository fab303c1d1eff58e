"""Processes that wait to become actors: most of the time that an actor takes to start is that of its imports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Final

from actorkit_kit import python_process
from actorkit_kit.local.child import spawn
from actorkit_kit.local.processes import Process

#: Most processes that wait.
MOST: Final = 4


class Spares:
    """Keeps `count` processes ready. `environ` is what all of them have from their start."""

    def __init__(self, count: int, environ: Mapping[str, str]) -> None:
        self._count = min(count, MOST)
        self._environ = {**python_process.environ(), **environ}
        self._waiting: list[asyncio.subprocess.Process] = []

    async def fill_up(self) -> None:
        """Start as many as are missing."""
        while len(self._waiting) < self._count:
            command = python_process.command("actorkit_kit.dev.warm")
            self._waiting.append(await spawn(command, self._environ, stdin=asyncio.subprocess.PIPE))

    async def start(self, process: Process) -> asyncio.subprocess.Process:
        """Have a process that waits become this one, or start it where none does, or none can: what an author gives to
        an actor's environment may be for the start of Python, and a broker is no actor."""
        waiting = [one for one in self._waiting if one.returncode is None]
        if process.unit.kind != "actor" or process.unit.environment_extra or not waiting:
            return await spawn(process.command, process.environ)
        taken = waiting[0]
        self._waiting.remove(taken)
        if taken.stdin is not None:
            taken.stdin.write(json.dumps(process.environ).encode() + b"\n")
            taken.stdin.close()
        return taken

    async def close(self) -> None:
        """End those that wait."""
        for one in self._waiting:
            if one.stdin is not None:
                one.stdin.close()
        await asyncio.gather(*(one.wait() for one in self._waiting))
        self._waiting.clear()
