"""What one sender has sent to an inbox: how much of it is consumed, and which events are finished."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from actorkit.edge import wire

if TYPE_CHECKING:
    from actorkit.edge.receiver import Receiver


#: So many finished events are acknowledged at once; fewer wait a little for more.
MANY: Final = 64


class ReceiveSession:
    """What one sender has sent: how much is consumed, and which numbers are finished.

    Numbers up to `ack_floor` are finished, but for the `stragglers`; `acked_above` holds finished ones above the floor.
    Both are empty while the session is `in_order`.
    """

    __slots__ = (
        "_fresh",
        "_straggler_order",
        "_told_floor",
        "ack_floor",
        "acked_above",
        "actor",
        "apart",
        "consumed",
        "dirty",
        "expected",
        "identity",
        "in_order",
        "inbox",
        "instance",
        "outbox",
        "receiver",
        "stragglers",
        "told",
        "window",
    )

    def __init__(self, receiver: Receiver, identity: bytes, hello: wire.Hello, window: int) -> None:
        self.receiver = receiver
        self.identity = identity
        self.actor = hello.actor
        self.instance = hello.instance
        self.outbox = hello.outbox
        self.inbox = hello.inbox
        self.window = window
        #: The number that the next event must have.
        self.expected = 1
        self.consumed = 0
        #: How much of `consumed` the sender has been told.
        self.told = 0
        self.ack_floor = 0
        self._told_floor = 0
        #: How many of its batches wait because of a suspect (`Apart`).
        self.apart = 0
        self.dirty = False
        self.in_order = True
        self.acked_above: set[int] = set()
        self.stragglers: set[int] = set()
        self._straggler_order: deque[int] = deque()
        self._fresh: list[int] = []

    def close(self, parcels: Sequence[wire.Delivery]) -> None:
        """Note that nothing that these consumed events became is unfinished."""
        dedup = self.receiver.dedup
        if dedup.pending_duplicates:
            for parcel in parcels:
                dedup.finish_duplicates(parcel.id)
        if not self.in_order:
            for parcel in parcels:
                self.finish(parcel.number)
            return
        ack_floor = self.ack_floor
        for index, parcel in enumerate(parcels):
            if parcel.number != ack_floor + 1:
                self.ack_floor = ack_floor
                for other in parcels[index:]:
                    self.finish(other.number)
                break
            ack_floor += 1
        else:
            self.ack_floor = ack_floor
        self.touch()

    def finish(self, number: int) -> None:
        """Note that the event of that number is finished with everything it became."""
        if number <= self.ack_floor:
            self.stragglers.discard(number)
            self._fresh.append(number)
        elif number == self.ack_floor + 1:
            if self.stragglers:
                self._fresh.append(number)
            self._advance()
        else:
            self.acked_above.add(number)
            self._fresh.append(number)
            while len(self.acked_above) > wire.MAX_ACKED_ABOVE:
                self.stragglers.add(self.ack_floor + 1)
                self._straggler_order.append(self.ack_floor + 1)
                self._advance()
        self.in_order = not self.acked_above and not self.stragglers
        self.touch()

    def _advance(self) -> None:
        """Take `ack_floor` one further, and past the finished ones that follow."""
        self.ack_floor += 1
        while self.ack_floor + 1 in self.acked_above:
            self.ack_floor += 1
            self.acked_above.remove(self.ack_floor)

    def finish_run(self, first: int, parcels: Sequence[wire.Delivery], opened: int = 0) -> None:
        """Note that those of consecutive events that wait for nothing are finished: all but `opened` ones."""
        if self.in_order and not opened and first == self.ack_floor + 1:
            self.ack_floor += len(parcels)
            self.touch()
        elif opened < len(parcels):
            for number, parcel in enumerate(parcels, first):
                if not parcel.number:
                    self.finish(number)

    def touch(self) -> None:
        """There is news for the sender."""
        if not self.dirty:
            self.dirty = True
            self.receiver.touched(self)

    def is_finished(self, number: int) -> bool:
        """Whether the event of that number is finished."""
        return number in self.acked_above or (number <= self.ack_floor and number not in self.stragglers)

    @property
    def unfinished(self) -> int:
        """How many events have come and are not finished."""
        return self.expected - 1 - self.ack_floor + len(self.stragglers) - len(self.acked_above)

    def consume(self, count: int) -> None:
        """Note that `count` more events have been consumed; the sender is told at the latest after half a window."""
        self.consumed += count
        if (self.consumed - self.told) * 2 >= self.window:
            self.touch()

    @property
    def urgent(self) -> bool:
        """Whether the sender should not wait for the news: there is much of it, or its window is half used up."""
        return (
            self.ack_floor - self._told_floor + len(self._fresh) >= MANY
            or (self.consumed - self.told) * 2 >= self.window
        )

    def take_ack(self) -> wire.Ack:
        """The news since the last one."""
        self.dirty = False
        self.told = self.consumed
        while self._straggler_order and self._straggler_order[0] not in self.stragglers:
            self._straggler_order.popleft()
        self._told_floor = self._straggler_order[0] - 1 if self._straggler_order else self.ack_floor
        done = [number for number in self._fresh if number > self._told_floor]
        self._fresh.clear()
        return wire.Ack(self.consumed, self._told_floor, done)

    def __repr__(self) -> str:
        state = f"expected={self.expected} consumed={self.consumed} ack_floor={self.ack_floor}"
        state += f" done={len(self.acked_above)} stragglers={len(self.stragglers)}"
        return f"<ReceiveSession {self.actor}/{self.instance} -> {self.inbox} {state}>"
