"""Asks a suspect's sender for its leave before it is consumed (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import gevent
from gevent.event import Event as Flag

from actorkit.edge.apart import Apart, DeliveryBatch
from actorkit.host.flush import FlushOnce

#: So long a worker waits for its leave to consume a suspect before it turns to something else, in seconds.
LEAVE_S: Final = 0.05

#: Time after which leave is asked for again, in seconds.
ASK_AGAIN_S: Final = 1.0


class Leave:
    """The leave for the suspect whose turn it is. `wake` is called when it has come and no worker waits for it."""

    def __init__(self, apart: Apart, flush: FlushOnce, wake: Callable[[], None]) -> None:
        self._apart = apart
        self._flush = flush
        self._wake = wake
        #: What wakes the worker that waits for it.
        self._waiter: Flag | None = None
        apart.answered = self._on_answer

    def comes_for(self, suspect: DeliveryBatch) -> bool:
        """Whether a suspect may be consumed: its sender has noted that it is begun. Waits a little for that; a worker
        does not wait for a sender that is busy itself."""
        apart = self._apart
        if not apart.permitted:
            self._waiter = leave = Flag()
            self._ask()
            leave.wait(LEAVE_S)
            self._waiter = None
            if apart.is_turn(suspect) and not apart.permitted:
                gevent.spawn_later(ASK_AGAIN_S, self._ask_again)
        return apart.is_turn(suspect) and apart.permitted

    def _ask(self) -> None:
        self._apart.ask()
        self._flush.schedule()

    def _ask_again(self) -> None:
        """A sender that is gone is noticed when it is written to."""
        if self._apart.asking and self._waiter is None:
            self._ask()
            gevent.spawn_later(ASK_AGAIN_S, self._ask_again)

    def _on_answer(self) -> None:
        """Leave has come, or will not: for the worker that waits for it, else for any."""
        if self._waiter is not None:
            self._waiter.set()
        else:
            self._apart.later()
            self._wake()
