"""A process that `kit run` looks after: its start, its output, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from actorkit.transport.endpoint import Endpoint
from actorkit_kit.local.processes import Process
from actorkit_kit.output import last_error
from actorkit_kit.parent import die_with_parent

#: Lines that are kept of what a process wrote last.
LAST_LINES: Final = 20
#: Longest line that is taken in whole, in bytes.
MAX_LINE_BYTES: Final = 1 << 20
#: Longest wait for a page of the admin server, in seconds.
PROBE_TIMEOUT_S: Final = 2.0


class Running(Protocol):
    """What an `asyncio.subprocess.Process` is, as far as it is of use here; `returncode` is None while it runs."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...

    async def wait(self) -> int: ...


#: Starts a process; its output can be read.
Starter = Callable[[Process], Awaitable[Running]]


async def spawn(
    command: Sequence[str], environ: Mapping[str, str], *, pass_fds: Sequence[int] = ()
) -> asyncio.subprocess.Process:
    """Start a program, out of reach of the terminal's ^C; it ends with this process. It gets `pass_fds`, too."""
    return await asyncio.create_subprocess_exec(
        *command,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=MAX_LINE_BYTES,
        start_new_session=True,
        preexec_fn=die_with_parent(),
        pass_fds=pass_fds,
    )


async def start_cold(process: Process) -> asyncio.subprocess.Process:
    """Start a process as its command says."""
    return await spawn(process.command, process.environ)


class Child:
    """One process; `say(name, line)` gets every line that it writes, `starter` starts it."""

    def __init__(self, process: Process, say: Callable[[str, str], None], starter: Starter = start_cold) -> None:
        self.process = process
        self.restarts = 0
        self.started_at = 0.0
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._say = say
        self._starter = starter
        self._running: Running | None = None
        self._reader: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        running = self._running
        state = "not started" if running is None else f"pid {running.pid}, status {running.returncode}"
        return f"<Child {self.process.name}: {state}, {self.restarts} restarts>"

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running else None

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs, negative when a signal ended it."""
        return self._running.returncode if self._running else None

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.returncode is None

    async def start(self) -> None:
        """Start it."""
        self.last_lines.clear()
        self.started_at = time.monotonic()
        self._running = await self._starter(self.process)
        self._reader = asyncio.create_task(self._read(self._running))

    async def _read(self, running: Running) -> None:
        stream = running.stdout
        while stream is not None:
            try:
                raw = await stream.readline()
            except ValueError:
                raw = b"(a line of more than 1 MiB)\n"
            if not raw:
                return
            line = raw.decode(errors="replace").rstrip("\n")
            self.last_lines.append(line)
            self._say(self.process.name, line)

    async def wait(self) -> int:
        """Wait for its end, and for the last of its output; the exit status."""
        if self._running is None or self._reader is None:
            return 0
        status = await self._running.wait()
        await asyncio.shield(self._reader)  # Whoever stops waiting does not stop it.
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self._running is not None and self.alive:
            # asyncio's own send_signal looks whether it has ended, and then nobody else is told its status.
            with suppress(ProcessLookupError):
                os.kill(self._running.pid, number)

    def last_words(self) -> str:
        """The line that tells best why it ended."""
        return last_error(self.last_lines)

    async def readiness(self) -> str:
        """What `/readyz` says: "" when it is ready, why not otherwise."""
        try:
            ok, body = await self.page("/readyz")
        except (OSError, TimeoutError):
            return "its admin server does not answer yet"
        return "" if ok else body.strip() or "not ready"

    async def page(self, path: str) -> tuple[bool, str]:
        """A page of its admin server: whether the status is 200, and the body.

        Raises:
            OSError, TimeoutError: nobody answers.
        """
        admin = Endpoint.of_address(self.process.admin.removeprefix("http://"))
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(admin.host, admin.port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {admin.address}\r\n\r\n".encode())
                answer = await reader.read()
            finally:
                writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.split(b" ")[1:2] == [b"200"], body.decode(errors="replace")
