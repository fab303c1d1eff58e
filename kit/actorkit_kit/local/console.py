"""The console of `kit run` and `kit dev`: a process that is started when a browser first asks for it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from actorkit_kit import python_process
from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import LOOPBACK, FreePorts, why_not_free
from actorkit_kit.local.child import spawn
from actorkit_kit.local.processes import Process
from actorkit_kit.local.supervisor import Supervisor
from actorkit_kit.plan.model import Image, Plan, Unit
from actorkit_kit.plan.picture import picture

#: Port of the console where nobody else has it; else any free one.
PORT: Final = 9601
#: What it is called in logs, and what it runs.
NAME: Final = "console"
CLASS: Final = "actorkit.process.console:Console"
#: Longest time until it is ready, in seconds.
START_S: Final = 20.0
#: Pause before it is started again that did not start, in seconds.
AGAIN_S: Final = 0.5


class LocalConsole:
    """Listens for browsers in the place of the console's process, until the first one comes. What the process does or
    fails to do is of no matter to those of the topology."""

    def __init__(self, folder: Path, listener: socket.socket, say: Callable[[str, str], None]) -> None:
        """`folder` is for the file that the process reads; `say` gets the lines that it writes."""
        self._file = folder / f"{NAME}.json"
        self._listener = listener
        self._say = say
        self._shown: tuple[Plan, Sequence[Process]] | None = None
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

    def show(self, plan: Plan, processes: Sequence[Process]) -> None:
        """Have it show these processes from now on."""
        self._shown = plan, list(processes)
        self._changed.set()

    async def run(self) -> None:
        """Serve browsers, until it is cancelled."""
        while True:
            await self._await_browser()
            try:
                await self._serve()
            except KitError as exc:
                self._say(NAME, f"there is no console now: {exc}")
                await asyncio.sleep(AGAIN_S)

    async def _serve(self) -> None:
        """Run the process.

        Raises:
            KitError: it ended before it was ready, or is not ready in time.
        """
        supervisor = Supervisor([self._process()], [[NAME]], self._say, starter=self._start)
        try:
            self._changed.clear()
            await asyncio.to_thread(self._write)
            await supervisor.start(START_S)
            while True:
                await self._changed.wait()
                self._changed.clear()
                await asyncio.to_thread(self._write)
        finally:
            await supervisor.kill()

    async def _await_browser(self) -> None:
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._listener, asked.set)
        try:
            await asked.wait()
        finally:
            loop.remove_reader(self._listener)

    def _write(self) -> None:
        """Write the file that the process reads."""
        if self._shown is None:
            return
        plan, processes = self._shown
        admin: dict[str, list[str]] = {}
        for process in processes:
            admin.setdefault(process.unit.name, []).append(process.admin.removeprefix("http://"))
        made = picture(
            plan,
            admin=lambda unit: admin.get(unit.name, []),
            letters=lambda unit: unit.name if unit.has_dead_letters else "",
        )
        new = self._file.with_suffix(".new")
        new.write_bytes(made)
        new.replace(self._file)

    def _process(self) -> Process:
        admin = f"{LOOPBACK}:{FreePorts(()).take()}"
        variables = {
            "ACTORKIT_ACTOR": NAME,
            "ACTORKIT_ADMIN": admin,
            "ACTORKIT_CLASS": CLASS,
            "ACTORKIT_INSTANCE": f"{NAME}-1",
            "ACTORKIT_PARAMS": json.dumps({"plan": str(self._file), "descriptor": self._listener.fileno()}),
        }
        command = tuple(python_process.command("actorkit"))
        unit = Unit(NAME, "actor", NAME, CLASS, Image(""))
        return Process(unit, 1, command, python_process.environ(variables), f"http://{admin}")

    async def _start(self, process: Process) -> asyncio.subprocess.Process:
        return await spawn(process.command, process.environ, pass_fds=(self._listener.fileno(),))


@asynccontextmanager
async def serve_console(folder: Path, say: Callable[[str, str], None]) -> AsyncIterator[LocalConsole]:
    """A console, as long as the context is open."""
    with closing(socket.create_server((LOOPBACK, 0 if why_not_free(LOOPBACK, PORT) else PORT))) as listener:
        console = LocalConsole(folder, listener, say)
        running = asyncio.create_task(console.run())
        try:
            yield console
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
