"""The methods of an actor as functions for greenlets, be they coroutines or not; chosen once, when it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from actorkit.actor import Actor
from actorkit.coroutines.methods import NO_THREADS, is_async, result_of
from actorkit.coroutines.thread import CoroutineThread, CoroutineTimeout
from actorkit.errors import ConsumeTimeout, SettingsError
from actorkit.event import Event
from actorkit.host.async_source import events_of
from actorkit.host.coroutines import Errand, errand
from actorkit.host.handlers import in_threads, in_time
from actorkit.host.outboxes import Outboxes
from actorkit.host.progress import ConsumeContext, current


class Methods:
    """The methods of one actor. `thread` is there when any of them is a coroutine; those run in it, all others in the
    greenlet that calls them."""

    def __init__(self, actor: Actor, thread: CoroutineThread | None) -> None:
        self._actor = actor
        self._thread = thread

    @property
    def beat(self) -> Callable[[float], Callable[[], int]] | None:
        """What has the asyncio loop count its turns (`CoroutineThread.beat`); None where there is no such loop."""
        return self._thread.beat if self._thread is not None else None

    def of(self, name: str) -> Callable[..., object]:
        """A method that is called once for each time."""
        method: Callable[..., Any] = getattr(self._actor, name)
        thread = self._thread
        if thread is None or not is_async(method):
            return method

        async def begin(*args: Any) -> object:
            current.set(ConsumeContext())
            return await result_of(method, *args)

        return lambda *args: thread.run(lambda: begin(*args))

    def consume(self, outboxes: Outboxes) -> Callable[[Any], object]:
        """`consume` for one event, or `consume_batch` for several, as the parameters want it.

        Raises:
            SettingsError: it is a coroutine, and shall run in `threads`.
        """
        actor, params = self._actor, self._actor.params
        method: Callable[[Any], object] = actor.consume_batch if type(actor).consumes_batches() else actor.consume
        if self._thread is not None and is_async(method):
            if params.threads:
                raise SettingsError(f"threads: {NO_THREADS}")
            return self._await(method, self._thread, params.consume_timeout_s)
        if params.threads:
            method = in_threads(method, outboxes, params.threads)
        return in_time(method, params.consume_timeout_s) if params.consume_timeout_s else method

    def _await(
        self, method: Callable[[Any], Any], thread: CoroutineThread, timeout_s: float
    ) -> Callable[[Any], object]:
        """A coroutine that consumes; it is cancelled after `timeout_s` seconds (0: no limit)."""

        async def begin(what: Any, context: ConsumeContext, mine: Errand) -> object:
            current.set(context)
            errand.set(mine)
            return await result_of(method, what)

        def call(what: Any) -> object:
            mine, context = Errand(), current.get().snapshot()
            try:
                result = thread.run(lambda: begin(what, context, mine), timeout_s)
            except CoroutineTimeout:
                raise ConsumeTimeout(f"consume took longer than {timeout_s:g} s (consume_timeout_s)") from None
            finally:
                mine.is_open = False
            if mine.error is not None:
                raise mine.error
            return result

        return call

    def produce(self, room: Callable[[], int]) -> Callable[[], Iterator[Event]]:
        """`produce`; `room` tells how many more events may begin now."""
        method: Callable[[], Any] = self._actor.produce
        thread = self._thread
        if thread is None or not is_async(method):
            return method
        return lambda: events_of(thread, method, room)
