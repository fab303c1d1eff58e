"""Gives the processor to ZeroMQ's I/O thread: `sched_yield`, with a pause where a neighbour takes too much.

On a machine whose cores are all busy, an I/O thread that was just given something to send waits for the slice of the
thread that gave it to end, milliseconds, and the peer has nothing to do meanwhile. So whoever has sent part of a
backlog yields once; where a core is free, that does nothing.

A neighbour that computes without end would take each yield for a whole slice of its own. The kernel does not tell who
got the processor, but how long one was away tells enough: an I/O thread needs a fraction of a millisecond for a batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter
from typing import Final

#: From this length on a frame is part of a backlog, in bytes.
BACKLOG_BYTES: Final = 16 << 10

#: Longest that an I/O thread has the processor for a batch, in seconds. A yield that takes
#: longer was a neighbour's gain.
LONG_S: Final = 0.002

#: After such a time nothing is yielded for this many times as long: so neighbours are given a seventeenth of the time.
PAUSE: Final = 16


class IoYield:
    """Yields once, unless a neighbour has been given too much. Called when part of a backlog went to the I/O thread."""

    def __init__(
        self, give_way: Callable[[], None] = os.sched_yield, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._give_way = give_way
        self._clock = clock
        self._until = 0.0

    def __call__(self) -> None:
        begun = self._clock()
        if begun < self._until:
            return
        self._give_way()
        ended = self._clock()
        if ended - begun > LONG_S:
            self._until = ended + PAUSE * (ended - begun)


#: The one yield of this process.
yield_to_io: Final = IoYield()
