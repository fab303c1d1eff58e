"""Up to where an ordered stream is settled. No sockets, no clock."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict


class Floor:
    """The position in one stream up to which every event that was made is settled, without a hole.

    Positions are made in rising order; gaps between them do not matter. One that is made again, or below others, keeps
    the floor where it is until it is settled. The floor never falls. What is kept are the open positions alone, however
    much is settled above them.

    Attributes:
        at: the floor; None before the first event is settled without a hole below it.
    """

    __slots__ = ("_highest", "_late", "_open", "at")

    def __init__(self) -> None:
        self.at: int | None = None
        self._highest: int | None = None
        #: Open positions that were made in order, each with the one that was made before it.
        self._open: OrderedDict[int, int | None] = OrderedDict()
        #: Open positions that were made below others, sorted.
        self._late: list[int] = []

    def begin(self, at: int) -> None:
        """An event is made, at a position that is not open."""
        if self._highest is None or at > self._highest:
            self._open[at] = self._highest
            self._highest = at
        else:
            insort(self._late, at)

    def settle(self, at: int) -> bool:
        """The event at an open position is done or failed. Returns whether the floor has risen."""
        if at in self._open:
            del self._open[at]
        else:
            del self._late[bisect_left(self._late, at)]
        before = self.at
        self._raise()
        return self.at != before

    def _raise(self) -> None:
        reached = next(iter(self._open.values())) if self._open else self._highest
        if reached is None or (self._late and self._late[0] <= reached):
            return
        if self.at is None or reached > self.at:
            self.at = reached
