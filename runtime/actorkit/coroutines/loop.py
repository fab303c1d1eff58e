"""An asyncio loop whose helpers are native threads, also where gevent has made greenlets of the others."""

from __future__ import annotations

import asyncio
import logging
import os
from _queue import SimpleQueue
from collections.abc import Callable
from typing import Any, Final

from gevent import monkey

from actorkit.coroutines.selector import NativeSelector

#: Native threads for `asyncio.to_thread` and names to be looked up, at most.
MOST_THREADS: Final = min(32, (os.cpu_count() or 1) + 4)

log = logging.getLogger("actorkit.coroutines")

Job = Callable[[], None]


class NativeThreads:
    """Runs calls in native threads, which are made as they are needed and stay."""

    def __init__(self, most: int = MOST_THREADS) -> None:
        self._most = most
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._idle = self._count = 0
        self._start: Callable[..., object] = monkey.get_original("_thread", "start_new_thread")
        self._lock = monkey.get_original("_thread", "allocate_lock")()

    def submit(self, job: Job) -> None:
        """Have one call made soon."""
        with self._lock:
            more = not self._idle and self._count < self._most
            if more:
                self._count += 1
            elif self._idle:
                self._idle -= 1
        self._jobs.put(job)
        if more:
            self._start(self._run, ())

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job
            with self._lock:
                self._idle += 1

    def close(self) -> None:
        """End the threads when they have nothing to do."""
        for _ in range(self._count):
            self._jobs.put(None)


class NativeLoop(asyncio.SelectorEventLoop):
    """The loop; to be made in the thread that runs it."""

    def __init__(self) -> None:
        self.selector = NativeSelector()
        super().__init__(self.selector)
        self._threads = NativeThreads()

    def run_in_executor(  # type: ignore[override]  # as asyncio says it, but for an executor's type
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Have a function called in a native thread; in an executor where one is given."""
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        future: asyncio.Future[Any] = self.create_future()

        def tell(made: Any, error: BaseException | None) -> None:
            if future.done():
                return  # Nobody waits any more.
            if error is None:
                future.set_result(made)
            else:
                future.set_exception(error)

        def job() -> None:
            made, failed = None, None
            try:
                made = func(*args)
            except BaseException as exc:  # noqa: BLE001  # it is raised where the call is waited for
                failed = exc
            if not self.is_closed():
                self.call_soon_threadsafe(tell, made, failed)

        self._threads.submit(job)
        return future

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """What the system's resolver says, asked in a native thread."""
        look_up = monkey.get_original("socket", "getaddrinfo")
        return await self.run_in_executor(None, look_up, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> Any:
        """What the system's resolver says, asked in a native thread."""
        return await self.run_in_executor(None, monkey.get_original("socket", "getnameinfo"), sockaddr, flags)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002  # asyncio's
        """End the threads that have nothing to do."""
        self._threads.close()
