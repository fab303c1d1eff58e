"""The processes of a test run beside the stage, looked after in a thread of their own."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from actorkit_kit.errors import KitError
from actorkit_kit.local.child import Child
from actorkit_kit.local.processes import Process
from actorkit_kit.local.supervisor import Supervisor

T = TypeVar("T")

#: Longest time until all are ready, in seconds.
READY_S: Final = 60.0
#: Time between two looks at whether one is ready again, in seconds.
LOOK_S: Final = 0.01
#: Lines that are kept of what they wrote.
MOST_LINES: Final = 500
_UNFINISHED: Final = re.compile(r"^actorkit_unfinished(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


class Company:
    """Starts processes and starts again what ends. `close` ends them."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._supervisor = Supervisor(processes, (), self._say, first_pause_s=0.0)

    def __repr__(self) -> str:
        return f"<Company of {len(self._supervisor.children)}>"

    def _say(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def wait_ready(self) -> None:
        """Start them, and wait until all are ready.

        Raises:
            KitError: one ended first, or is not ready in time.
        """
        self._run(self._supervisor.start(READY_S))

    @contextmanager
    def killing(self, actor: str, stopped_s: float) -> Iterator[None]:
        """Stop all instances of an actor ("": of none), kill them after a while, and wait until they are ready again.

        Raises:
            KitError: they do not get ready.
        """
        victims = [child for child in self._supervisor.children if child.process.unit.name == actor]
        before = {child: child.pid for child in victims}
        self._run(_signal(victims, signal.SIGSTOP))
        killing = asyncio.run_coroutine_threadsafe(_kill_later(victims, stopped_s), self._loop)
        try:
            yield
        finally:
            killing.result()
            self._run(_wait_again(before))

    def is_busy(self) -> bool:
        """Whether one of them has something unfinished, or does not say."""
        return self._run(self._is_busy())

    async def _is_busy(self) -> bool:
        for child in self._supervisor.children:
            try:
                _, page = await child.page("/metrics")
            except (OSError, TimeoutError):
                return True
            found = _UNFINISHED.search(page)
            if found is not None and float(found[1]):
                return True
        return False

    def close(self) -> None:
        """End them all at once."""
        self._run(self._supervisor.kill())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _signal(children: Sequence[Child], number: signal.Signals) -> None:
    for child in children:
        child.signal(number)


async def _kill_later(children: Sequence[Child], stopped_s: float) -> None:
    if children:
        await asyncio.sleep(stopped_s)
    await _signal(children, signal.SIGKILL)


async def _wait_again(before: Mapping[Child, int | None]) -> None:
    """Wait until each child is another process than before, and ready."""
    try:
        async with asyncio.timeout(READY_S):
            for child, pid in before.items():
                while child.pid == pid or not child.alive or await child.readiness():
                    await asyncio.sleep(LOOK_S)
    except TimeoutError:
        names = ", ".join(child.process.name for child in before)
        raise KitError(f"not ready {READY_S:g} s after they were killed: {names}.") from None
