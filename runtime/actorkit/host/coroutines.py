"""Actors with coroutines: what they ask of the runtime comes out of an asyncio thread, and is done in gevent's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import gevent

from actorkit.actor import Held
from actorkit.coroutines.thread import CoroutineThread
from actorkit.event import Event
from actorkit.host.progress import ConsumeContext, current
from actorkit.transport.keys import ClientKeys

if TYPE_CHECKING:
    from actorkit.host.host import Host


class Errand:
    """What a coroutine that consumes has to have done by gevent's loop, for the events that it consumes.

    Attributes:
        is_open: whether consume goes on; what a task of it sends later is no part of its events.
        error: what could not be sent.
    """

    def __init__(self) -> None:
        self.is_open = True
        self.error: Exception | None = None


#: The errand of the running coroutine; None in one that consumes nothing.
errand: ContextVar[Errand | None] = ContextVar("errand", default=None)


class CoroutineHeld:
    """The handle of a held event that any thread may use."""

    def __init__(self, thread: CoroutineThread) -> None:
        self._thread = thread
        self._held: Held | None = None

    def begin(self, hold: Callable[[], Held]) -> None:
        """Hold the event; in gevent's loop."""
        self._held = hold()

    def complete(self, *events: Event, also: Sequence[Held] = (), anew: bool = False) -> None:
        """Send these to the default outboxes and be done with the held event, and with these others."""
        self._thread.post(lambda: self._complete(events, also, anew))

    def _complete(self, events: tuple[Event, ...], also: Sequence[Held], anew: bool) -> None:
        held = self._held
        if held is not None:
            others = [one._held if isinstance(one, CoroutineHeld) else one for one in also]
            try:
                held.complete(*events, also=[one for one in others if one is not None], anew=anew)
            except Exception as exc:  # noqa: BLE001  # whoever called is gone: the event fails with it
                gevent.spawn(held.fail, exc)

    def fail(self, error: BaseException) -> None:
        """Have the held event fail with this error."""
        # To store a dead letter may take a while, and gevent's loop must not wait.
        self._thread.post(lambda: gevent.spawn(self._fail, error))

    def _fail(self, error: BaseException) -> None:
        if self._held is not None:
            self._held.fail(error)


class CoroutineRuntime:
    """The runtime of an actor with coroutines: `host` for calls out of gevent's loop; calls out of the asyncio thread
    are done there as well, later and in their order."""

    def __init__(self, host: Host, thread: CoroutineThread) -> None:
        self._host = host
        self._thread = thread
        self.name = host.name
        self.instance = host.instance
        self.topology = host.topology
        self.brokers = host.brokers
        self.keys: ClientKeys | None = host.keys

    @property
    def outboxes(self) -> Collection[str]:
        return self._host.outboxes

    @property
    def draining(self) -> bool:
        return self._host.draining

    def send(self, event: Event, outbox: str | None) -> None:
        if not self._thread.is_here:
            self._host.send(event, outbox)
            return
        self._host.outboxes.targets(outbox)  # Raises here, where the mistake is.
        sender, parent = errand.get(), current.get().parent_of(event)
        event.encoded()  # Raises here as well.
        self._thread.post(lambda: self._send(event, outbox, sender, parent))

    def _send(self, event: Event, outbox: str | None, sender: Errand | None, parent: Event | None) -> None:
        """Send an event; for the one that is being consumed, as long as it is."""
        try:
            if sender is not None and sender.is_open and parent is not None:
                self._host.send_for(event, outbox, parent)
            else:
                self._host.send_new(event, outbox)
        except Exception as exc:
            if sender is None or not sender.is_open:
                raise
            sender.error = sender.error or exc

    def request(self, *args: Any) -> Event:
        if self._thread.is_here:
            raise TypeError("request() would block all coroutines of the instance; write: await self.ask(...)")
        return self._host.request(*args)

    async def ask(self, event: Event, outbox: str | None, timeout_s: float, finish_expired: bool) -> Event:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Event] = loop.create_future()
        sender, parent = errand.get(), current.get().event
        if sender is None or not sender.is_open:
            parent = None

        def tell(answer: Event | None, error: Exception | None) -> None:
            if future.done():
                return
            if answer is not None:
                future.set_result(answer)
            else:
                future.set_exception(error or RuntimeError("the request was ended"))

        def run() -> None:
            current.set(ConsumeContext(parent))
            answer: Event | None = None
            error: Exception | None = None
            try:
                answer = self._host.request(event, outbox, timeout_s, finish_expired, lambda: None)
            except Exception as exc:  # noqa: BLE001  # it is raised where the answer is awaited
                error = exc
            self._thread.call_soon(lambda: tell(answer, error))

        asking: list[gevent.Greenlet[[], None]] = []
        self._thread.post(lambda: asking.append(gevent.spawn(run)))
        try:
            return await future
        finally:
            if not future.done() or future.cancelled():
                self._thread.post(lambda: asking[0].kill(block=False))

    def hold(self, event: Event) -> Held:
        held = CoroutineHeld(self._thread)
        if not self._thread.is_here:
            made = self._host.hold(event)
            held.begin(lambda: made)
            return held
        sender, context = errand.get(), current.get()
        if sender is None or not sender.is_open:
            raise TypeError("only an event that is being consumed can be held")
        self._thread.post(lambda: held.begin(lambda: self._host.hold_in(event, context.session_of(event))))
        return held
