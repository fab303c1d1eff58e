"""Ends a process whose loop does not turn: what it holds is sent again to an instance that gets on.

Two watchers. A native thread counts its own ticks, and looks whether the loop has turned since; as both stand still in
a process that is paused, such a one is not taken for stuck. It needs the interpreter, which C code may keep; so the
loop also winds up faulthandler's own thread, which needs none, for a longer time.
"""

from __future__ import annotations

import faulthandler
import logging
import os
from collections.abc import Callable
from typing import Final

import gevent
from gevent import monkey

#: Exit status of a process whose loop stood still.
EX_STUCK: Final = 86

#: The longest time between two looks, in seconds; and how many of them there are at least until a loop is stuck.
POLL_INTERVAL_S: Final = 5.0
LOOKS: Final = 6

#: Where C code keeps the interpreter, a process is ended after so many times `stuck_after_s`. The time in which it was
#: paused counts, and shall not end it.
LONGER: Final = 4

_STDERR: Final = 2

log = logging.getLogger("actorkit.watchdog")


class Watchdog:
    """Watches the loop of this process from `start` to `stop`.

    `stuck_after_s` is how long the loop may stand still; `what` tells what it does then, and is called in another
    thread. `beat` is that of the asyncio loop, if there is one: it gets the time between two turns that are counted, in
    seconds, and gives what tells their number.
    """

    def __init__(
        self, stuck_after_s: float, what: Callable[[], str], beat: Callable[[float], Callable[[], int]] | None = None
    ) -> None:
        self._stuck_after_s = stuck_after_s
        self._what = what
        self._look_s = min(POLL_INTERVAL_S, stuck_after_s / LOOKS)
        self._turns = 0
        self._beat = beat
        self._watching = False
        self._sleep: Callable[[float], None] = monkey.get_original("time", "sleep")
        self._timer = gevent.get_hub().loop.timer(self._look_s, self._look_s, ref=False)

    def start(self) -> None:
        """Begin to watch."""
        self._watching = True
        self._turn()
        self._timer.start(self._turn)
        self._start_watch(lambda: self._turns, "the loop")
        if self._beat is not None:
            self._start_watch(self._beat(self._look_s), "the asyncio loop")

    def stop(self) -> None:
        """Watch no more."""
        self._watching = False
        self._timer.stop()
        self._timer.close()
        faulthandler.cancel_dump_traceback_later()

    def _turn(self) -> None:
        """The loop turns."""
        self._turns += 1
        faulthandler.dump_traceback_later(self._stuck_after_s * LONGER, exit=True, file=_STDERR)

    def _start_watch(self, turns: Callable[[], int], which: str) -> None:
        monkey.get_original("_thread", "start_new_thread")(self._watch, (turns, which))

    def _watch(self, turns: Callable[[], int], which: str) -> None:
        seen, ticks = 0, 0
        while self._watching:
            self._sleep(self._look_s)
            now = turns()
            if now != seen:
                seen, ticks = now, 0
                continue
            ticks += 1
            if ticks * self._look_s >= self._stuck_after_s and self._watching:
                self._end(which)

    def _end(self, which: str) -> None:
        """Say what stands still, and where, and end the process. The loop's locks may be held: nothing takes any."""
        text = (
            f"{which} has not turned for {self._stuck_after_s:g} s (stuck_after_s): {self._what()}; the instance ends "
            f"with status {EX_STUCK}"
        )
        record = log.makeRecord(log.name, logging.CRITICAL, __file__, 0, text, (), None)
        for handler in logging.getLogger().handlers:
            os.write(_STDERR, f"{handler.format(record)}\n".encode(errors="replace"))
        faulthandler.dump_traceback(file=_STDERR)
        os._exit(EX_STUCK)
