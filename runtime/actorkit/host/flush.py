"""A coalesced callback: work that is done once in the next pass of the loop, however often it was asked for."""

from __future__ import annotations

from collections.abc import Callable

import gevent


class FlushOnce:
    """Calls `work` once in the loop's next pass.

    Attributes:
        due: whether the call stands in the loop's queue already; the hot path looks at it before it calls `schedule`.
    """

    __slots__ = ("_loop", "_work", "due")

    def __init__(self, work: Callable[[], None]) -> None:
        self._loop = gevent.get_hub().loop
        self._work = work
        self.due = False

    def schedule(self) -> None:
        """Have the work done in the loop's next pass."""
        if not self.due:
            self.due = True
            self._loop.run_callback(self._run)

    def _run(self) -> None:
        self.due = False
        self._work()
