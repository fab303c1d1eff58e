"""The events of a source that have a position: which are open, which are to be marked, and the floors of their streams.
No sockets; the clock is an argument.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from actorkit.edge.dedup import REMEMBER_EVENTS, REMEMBER_S
from actorkit.edge.floor import Floor
from actorkit.event.position import Position, Settlement

#: How many streams are remembered before those without an open event are forgotten.
MAX_STREAMS: Final = 4096

#: How many positions whose event failed are remembered, so that they can be tried again.
MAX_FAILED: Final = 65_536


class _Stream:
    """One stream of the outside: how long it is read here, and how far it is settled."""

    __slots__ = ("count", "floor", "open", "since", "young")

    def __init__(self, now: float) -> None:
        self.floor = Floor()
        self.since = now
        #: Events that were made of it here.
        self.count = 0
        #: Events that are open.
        self.open = 0
        self.young = True


class Positions:
    """Positions of events that began in this instance.

    An event is marked as redelivered where another life of this source, or another replica, may have sent it before:
    that is, in the first `events` events of a stream and in its first `remember_s` seconds, for so long whoever
    consumes them remembers; where the outside says so; and where the same position is open.
    """

    def __init__(
        self,
        *,
        events: int = REMEMBER_EVENTS,
        remember_s: float = REMEMBER_S,
        max_streams: int = MAX_STREAMS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._events = events
        self._remember_s = remember_s
        self._max_streams = self._sweep_at = max_streams
        self._clock = clock
        self._streams: dict[str, _Stream] = {}
        #: How often each position is open.
        self._open: dict[Position, int] = {}
        #: Positions whose last event failed, the oldest first.
        self._failed: OrderedDict[Position, None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Positions: {len(self._open)} open in {len(self._streams)} streams, {len(self._failed)} failed>"

    @property
    def unfinished(self) -> list[Position]:
        """The open positions, in the order in which they were made."""
        return list(self._open)

    def begin(self, position: Position, redelivered: bool = False) -> bool:
        """An event is made at that position. Returns whether it is to be marked as redelivered; `redelivered` is what
        the outside says."""
        stream = self._streams.get(position.stream) or self._add_stream(position.stream)
        stream.count += 1
        stream.open += 1
        times = self._open.get(position, 0)
        self._open[position] = times + 1
        if times:
            return True  # It is finished together with the one that is under way.
        if type(position.at) is int:
            stream.floor.begin(position.at)
        if position in self._failed:
            del self._failed[position]
            return False  # It is tried again, and is no repeat.
        if stream.young:
            stream.young = stream.count <= self._events or self._clock() - stream.since < self._remember_s
        return redelivered or stream.young

    def settle(self, settlements: Iterable[Settlement]) -> dict[str, int]:
        """Events are done or failed. Returns the new floors of the streams whose floors have risen."""
        floors: dict[str, int] = {}
        for settlement in settlements:
            position = settlement.position
            stream = self._streams[position.stream]
            stream.open -= 1
            if settlement.failed:
                self._fail(position)
            times = self._open[position]
            if times > 1:
                self._open[position] = times - 1
                continue
            del self._open[position]
            if type(position.at) is int and stream.floor.settle(position.at) and stream.floor.at is not None:
                floors[position.stream] = stream.floor.at
        return floors

    def _fail(self, position: Position) -> None:
        self._failed[position] = None
        if len(self._failed) > MAX_FAILED:
            self._failed.popitem(last=False)

    def _add_stream(self, name: str) -> _Stream:
        """A stream that is new here; those that lie idle are forgotten once there are many. One that is forgotten and
        comes again is new again."""
        if len(self._streams) >= self._sweep_at:
            self._streams = {name: stream for name, stream in self._streams.items() if stream.open}
            self._sweep_at = max(self._max_streams, 2 * len(self._streams))
        stream = self._streams[name] = _Stream(self._clock())
        return stream
