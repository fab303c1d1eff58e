"""Work that is done once when the loop gets its turn, however often it was asked for before."""

from __future__ import annotations

from collections.abc import Callable

import gevent


class FlushOnce:
    """`due` tells whether the work stands in the loop's queue already; the hot path looks before it calls."""

    __slots__ = ("_loop", "_work", "due")

    def __init__(self, work: Callable[[], None]) -> None:
        self._loop = gevent.get_hub().loop
        self._work = work
        self.due = False

    def schedule(self) -> None:
        """Have the work done in the loop's next turn."""
        if not self.due:
            self.due = True
            self._loop.run_callback(self._run)

    def _run(self) -> None:
        self.due = False
        self._work()
