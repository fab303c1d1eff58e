"""A tap: events of one box as they pass, as lines of JSON, for a while.

It never waits and takes a hundredth of the time at most: what it has no time or no room for passes unseen, and is
counted. While no tap is open, nothing is done for it anywhere.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any, Final

import msgspec
from gevent.event import Event as Flag

from actorkit.admin.shown import show
from actorkit.admin.where import Where
from actorkit.errors import ConversionError
from actorkit.event.parcel import Parcel

#: The share of time that looking at events may take, and how much of it can be saved up, in seconds.
SHARE: Final = 0.01
SAVED_S: Final = 0.05

#: Lines that wait to be sent, at most, and their bytes.
MOST_LINES: Final = 1000
MOST_WAITING_BYTES: Final = 4 << 20

#: How often it is looked whether somebody still listens, in seconds; lines of less than `GATHER_S` are sent together.
LOOK_S: Final = 0.5
GATHER_S: Final = 0.01

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Tap:
    """Ends after `most_events` events that were shown, `most_bytes` bytes or `seconds`. `where` chooses events; `body`:
    with their bodies. `clock` and `watch` give seconds: of the whole, and of what it takes itself.

    Attributes:
        shown: events that were shown.
        unseen: events that passed without a look.
    """

    def __init__(
        self,
        most_events: int,
        most_bytes: int,
        seconds: float,
        where: Sequence[Where] = (),
        *,
        body: bool = True,
        clock: Callable[[], float] = time.monotonic,
        watch: Callable[[], float] = perf_counter,
    ) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._where = where
        self._body = body
        self._clock = clock
        self._watch = watch
        self._until = clock() + seconds
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = self._bytes = 0
        self._left_s = SAVED_S
        self._looked = watch()
        self._there = Flag()
        self._end = ""
        self.shown = self.unseen = 0

    def see(self, place: dict[str, Any], parcels: Sequence[Parcel]) -> None:
        """Look at events that pass. `place` says where, and stands in each line."""
        if self._end:
            return
        began = self._watch()
        self._left_s = min(SAVED_S, self._left_s + (began - self._looked) * SHARE)
        now = began
        for count, parcel in enumerate(parcels):
            if self._end or now - began >= self._left_s or self._is_full:
                self.unseen += len(parcels) - count if not self._end else 0
                break
            if self._is_meant(parcel):
                self._take(place, parcel)
            now = self._watch()
        self._left_s -= now - began
        self._looked = now

    @property
    def _is_full(self) -> bool:
        return len(self._lines) >= MOST_LINES or self._waiting_bytes >= MOST_WAITING_BYTES

    def _is_meant(self, parcel: Parcel) -> bool:
        try:
            return all(where(parcel) for where in self._where)
        except ConversionError:
            return False

    def _take(self, place: dict[str, Any], parcel: Parcel) -> None:
        line = _encode({"time": round(time.time(), 6), **place, **show(parcel, body=self._body)}) + b"\n"
        if self._bytes + len(line) > self._most_bytes:
            self._finish("bytes")
            return
        self._lines.append(line)
        self._waiting_bytes += len(line)
        self._bytes += len(line)
        self.shown += 1
        if self.shown >= self._most_events:
            self._finish("events")
        self._there.set()

    def _finish(self, why: str) -> None:
        self._end = self._end or why
        self._there.set()

    def lines(self) -> Iterator[bytes]:
        """The lines as they come, several at a time, and at last one that tells why it ended. An empty piece asks
        whether somebody still listens."""
        while not self._end:
            left_s = self._until - self._clock()
            if left_s <= 0:
                self._finish("seconds")
                break
            self._there.wait(min(LOOK_S, left_s))
            if not self._end:
                self._there.clear()
                Flag().wait(GATHER_S)
            yield self._take_lines()
        yield self._take_lines()
        yield _encode({"end": self._end, "shown": self.shown, "unseen": self.unseen}) + b"\n"

    def _take_lines(self) -> bytes:
        lines = b"".join(self._lines)
        self._lines.clear()
        self._waiting_bytes = 0
        return lines
