"""Events that go on later."""

from __future__ import annotations

import time
from collections import deque
from typing import Annotated, ClassVar, Literal

import gevent
from gevent.event import Event as Flag
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.actor import Held


class Delay(Actor):
    """Passes each event on `delay_s` after it came, all of them in their order.

    An event that waits is not acknowledged, so a kill loses none: it comes again, and then waits anew. As many wait at
    a time as the windows of those who send have room for; then they are held up.

    In a drain, and where no more will come, what waits goes on in its time, as far as the time to drain goes (the rest
    comes again after the next start); with `at_end: send` it goes on at once.
    """

    NAME: ClassVar[str] = "delay"

    class Params(Actor.Params, frozen=True, kw_only=True):
        delay_s: Annotated[float, Meta(ge=0, description="how long an event waits")]
        at_end: Annotated[
            Literal["wait", "send"], Meta(description="what becomes of waiting events when no more will come")
        ] = "wait"

    params: Params
    _greenlet: gevent.Greenlet[[], None] | None = None

    def setup(self) -> None:
        """Begin to look at the clock."""
        #: What waits, the first to go on first: when, the event, and what finishes it.
        self._waiting = deque[tuple[float, Event, Held]]()
        self._news = Flag()
        self._greenlet = gevent.spawn(self._let_go)

    def teardown(self) -> None:
        """Look no more; what still waits comes again."""
        if self._greenlet is not None:
            self._greenlet.kill()

    def consume(self, event: Event) -> None:
        """Have the event wait."""
        self._waiting.append((time.monotonic() + self.params.delay_s, event, self.hold(event)))
        self._news.set()

    def end_input(self) -> None:
        """Let everything go on, where that is wanted."""
        if self.params.at_end == "send":
            self._send_due(float("inf"))

    def _let_go(self) -> None:
        while True:
            self._news.wait()
            while self._waiting:
                gevent.sleep(max(0.0, self._waiting[0][0] - time.monotonic()))
                self._send_due(time.monotonic())
            self._news.clear()

    def _send_due(self, now: float) -> None:
        """Pass on what was to wait until now."""
        while self._waiting and self._waiting[0][0] <= now:
            _, event, held = self._waiting.popleft()
            try:
                held.complete(event)
            except Exception as exc:  # noqa: BLE001  # it cannot be sent: one event fails, the others go on
                held.fail(exc)
