"""The native thread of an asyncio loop, and the ways between it and the loop of gevent that made it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

import gevent
from gevent import monkey
from gevent.event import Event as Flag
from gevent.hub import Waiter

from actorkit.coroutines.loop import NativeLoop

T = TypeVar("T")

#: How long `close` waits for coroutines that it has cancelled, in seconds.
CANCEL_S: Final = 2.0

#: How long `close` waits for the thread to end, in seconds.
END_S: Final = 3.0

#: The hubs of threads that have ended. What coroutines left behind (sockets, locks) may still belong to them, and must
#: not be freed after its hub; so they stay.
_hubs: Final[list[Any]] = []

log = logging.getLogger("actorkit.coroutines")


class CoroutineTimeout(Exception):
    """Raised where a coroutine was cancelled as its time was over."""


class _Call:
    """A coroutine that a greenlet waits for."""

    __slots__ = ("_context", "_has_expired", "_make", "_task", "_thread", "_timeout_s", "waiter")

    def __init__(
        self,
        thread: CoroutineThread,
        make: Callable[[], Coroutine[Any, Any, Any]],
        context: Context,
        timeout_s: float,
    ) -> None:
        self._thread = thread
        self._make = make
        self._context = context
        self._timeout_s = timeout_s
        self._has_expired = False
        self._task: asyncio.Task[None] | None = None
        self.waiter = Waiter()

    def begin(self) -> None:
        self._task = self._thread.loop.create_task(self._run(), context=self._context)

    async def _run(self) -> None:
        result: tuple[Any, BaseException | None]
        timer = self._thread.loop.call_later(self._timeout_s, self._expire) if self._timeout_s else None
        try:
            result = (await self._make(), None)
        except asyncio.CancelledError as exc:
            # Cancelled from within is a failure like any other; asyncio's own class would end a worker.
            result = (None, CoroutineTimeout() if self._has_expired else CancelledError(*exc.args))
        except BaseException as exc:  # noqa: BLE001  # it is raised where the coroutine is waited for
            result = (None, exc)
        finally:
            if timer is not None:
                timer.cancel()
        self._thread.answer(self, result)

    def _expire(self) -> None:
        self._has_expired = True
        self.cancel()

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


class CoroutineThread:
    """Runs coroutines for the greenlets of the thread that made it.

    Either loop wakes the other once for all that has gathered meanwhile. `crashed` is called in gevent's loop with what
    ended the asyncio loop, if anything does before `close`.

    Attributes:
        loop: the asyncio loop; it is there when the constructor has returned.
    """

    def __init__(self, crashed: Callable[[BaseException], None] = lambda _: None) -> None:
        self._crashed = crashed
        self._ident: Callable[[], int] = monkey.get_original("_thread", "get_ident")
        self._thread_ident = 0
        #: What waits for its turn in the asyncio loop, and in gevent's; and whether that loop has been woken for it.
        self._jobs: deque[Callable[[], object]] = deque()
        self._posts: deque[Callable[[], object]] = deque()
        self._is_loop_awake = self._is_hub_awake = False
        self._calls: set[_Call] = set()
        self._turns = 0
        self._beat_s = 0.0
        self._has_begun, self._has_ended = Flag(), Flag()
        self._is_closing = False
        self.loop: NativeLoop
        self._wake = gevent.get_hub().loop.async_()
        self._wake.start(self._run_posts)
        monkey.get_original("_thread", "start_new_thread")(self._live, ())
        self._has_begun.wait()

    # --- in the asyncio thread --------------------------------------------------------------------------------------

    def _live(self) -> None:
        self._thread_ident = self._ident()
        error: BaseException | None = None
        self.loop = loop = NativeLoop()
        asyncio.set_event_loop(loop)
        try:
            self.post(self._has_begun.set)
            loop.run_forever()
        except BaseException as exc:  # noqa: BLE001  # SystemExit of a task ends the instance, as it does in consume
            error = exc
        finally:
            loop.close()
            self.post(lambda: self._on_end(error))
            _hubs.append(gevent.get_hub())

    @property
    def is_here(self) -> bool:
        """Whether the caller runs in the asyncio thread."""
        return self._ident() == self._thread_ident

    def post(self, call: Callable[[], object]) -> None:
        """Have a call made in gevent's loop, in the order in which they were posted. It must not wait."""
        self._posts.append(call)
        if not self._is_hub_awake:
            self._is_hub_awake = True
            self._wake.send()

    def answer(self, call: _Call, result: tuple[Any, BaseException | None]) -> None:
        """Give the greenlet that waits what its coroutine gave."""
        self.post(lambda: self._answer(call, result))

    def _run_jobs(self) -> None:
        self._is_loop_awake = False
        jobs = self._jobs
        for _ in range(len(jobs)):
            jobs.popleft()()

    def _beat(self) -> None:
        self._turns += 1
        self.loop.call_later(self._beat_s, self._beat)

    # --- in gevent's loop -------------------------------------------------------------------------------------------

    def _run_posts(self) -> None:
        self._is_hub_awake = False
        posts = self._posts
        while posts:
            try:
                posts.popleft()()
            except Exception:
                log.exception("a call out of a coroutine failed")

    def _answer(self, call: _Call, result: tuple[Any, BaseException | None]) -> None:
        if call in self._calls:
            self._calls.remove(call)
            call.waiter.switch(result)

    def _on_end(self, error: BaseException | None) -> None:
        self._has_ended.set()
        for call in list(self._calls):
            self._answer(call, (None, error or CancelledError()))
        if error is not None and not self._is_closing:
            self._crashed(error)

    def call_soon(self, job: Callable[[], object]) -> None:
        """Have a call made in the asyncio loop."""
        self._jobs.append(job)
        if not self._is_loop_awake:
            self._is_loop_awake = True
            self.loop.call_soon_threadsafe(self._run_jobs)

    def run(self, make: Callable[[], Coroutine[Any, Any, T]], timeout_s: float = 0.0) -> T:
        """What the coroutine gives that `make` makes, in the context of the caller; this greenlet waits meanwhile. One
        whose greenlet is killed, or that takes longer than `timeout_s` seconds (0: no limit), is cancelled.

        Raises:
            CoroutineTimeout: it was cancelled because the time was over. Whatever it raises comes through untouched.
        """
        call = _Call(self, make, copy_context(), timeout_s)
        self._calls.add(call)
        self.call_soon(call.begin)
        try:
            made, error = call.waiter.get()
        except BaseException:
            self._calls.discard(call)
            self.call_soon(call.cancel)
            raise
        if error is not None:
            raise error
        result: T = made
        return result

    def beat(self, every_s: float) -> Callable[[], int]:
        """Have the asyncio loop count its turns, so that a watchdog sees whether it stands still. Returns what tells
        the count."""
        self._beat_s = every_s
        self.call_soon(self._beat)
        closing = itertools.count(-1, -1)  # A loop that is closed is not stuck.
        return lambda: next(closing) if self._is_closing else self._turns

    def close(self) -> None:
        """Cancel what is left, give it a little time, and end the thread."""
        if self._is_closing or self._has_ended.is_set():
            return
        self._is_closing = True
        self.call_soon(lambda: self.loop.create_task(self._end()))
        if not self._has_ended.wait(CANCEL_S + END_S):
            log.warning("the asyncio loop has not ended: a coroutine blocks it")
        self._wake.stop()

    async def _end(self) -> None:
        """Cancel all other tasks, and stop the loop."""
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_S)
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()
        self.loop.stop()
