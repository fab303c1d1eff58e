"""An async generator of events, in the asyncio thread; the greenlet of the source takes what it has made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from actorkit.coroutines.thread import CoroutineThread
from actorkit.event import Event

#: Events that are made ahead, at most; never more than the source's window has room for.
MOST_AHEAD: Final = 512


def events_of(
    thread: CoroutineThread, method: Callable[[], AsyncIterator[Event]], room: Callable[[], int]
) -> Iterator[Event]:
    """What an async `produce` makes, for the greenlet that sends it. `room` tells how many more may begin now."""
    source = AsyncSource(thread, method)
    try:
        while made := thread.run(lambda: source.take(max(1, min(MOST_AHEAD, room())))):
            yield from made
    finally:
        thread.call_soon(source.cancel)


class AsyncSource:
    """An async generator that is advanced by a task of its own, as far as it is allowed to."""

    def __init__(self, thread: CoroutineThread, method: Callable[[], AsyncIterator[Event]]) -> None:
        self._thread = thread
        self._method = method
        self._made: list[Event] = []
        self._allowed = 0
        self._error: BaseException | None = None
        self._task: asyncio.Task[None] | None = None
        self._news, self._more = asyncio.Event(), asyncio.Event()
        self._has_ended = False

    async def take(self, count: int) -> list[Event]:
        """The next events, at least one and at most `count`: as many as were made without a wait. None at the end."""
        if self._task is None:
            self._task = self._thread.loop.create_task(self._run())
        self._allowed = count - len(self._made)
        self._more.set()
        while not self._made and not self._has_ended:
            self._news.clear()
            await self._news.wait()
        made, self._made = self._made, []
        if not made and self._error is not None:
            raise self._error
        return made

    async def _run(self) -> None:
        try:
            source = self._method()
            while True:
                while self._allowed <= 0:
                    self._more.clear()
                    await self._more.wait()
                event = await anext(source)
                self._made.append(event)  # After the wait: `take` puts another list there.
                self._allowed -= 1
                self._news.set()
        except StopAsyncIteration:
            pass
        except BaseException as exc:  # noqa: BLE001  # it is raised where the events are taken
            self._error = exc
        self._has_ended = True
        self._news.set()

    def cancel(self) -> None:
        """Advance it no more."""
        if self._task is not None:
            self._task.cancel()
