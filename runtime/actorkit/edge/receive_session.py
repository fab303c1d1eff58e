"""What one sender has sent to an inbox: how much of it is consumed, and which events are finished."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from actorkit.edge import outcome, wire
from actorkit.edge.dedup import DedupWindow
from actorkit.edge.outcome import Outcome

#: From this number of finished events on an acknowledgement leaves at once; with fewer it waits a little for more.
ACKS_AT_ONCE: Final = 64


#: Messages up to this size are not counted in bytes: the window bounds them, and counting would cost the most there.
SMALL_BYTES: Final = 4 << 10


class Unconsumed:
    """What has come to an inbox and has not been consumed.

    Attributes:
        size: bytes of its messages, but for the small ones.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0


class ReceiveSession:
    """What one sender has sent: how much is consumed, and which numbers are finished.

    `dedup` is told of events that are finished, for the sake of their repeats; `touched` is called when there is news
    for the sender. At most `max_acked_above` events may be finished above one that is not.

    Numbers up to `ack_floor` are finished, but for the `stragglers`; `acked_above` holds finished ones above the floor.
    Both are empty while the session is `in_order`.
    """

    __slots__ = (
        "_dedup",
        "_fresh",
        "_max_acked_above",
        "_outcomes",
        "_straggler_order",
        "_told_floor",
        "_touched",
        "_unconsumed",
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
        "label",
        "outbox",
        "sends",
        "sizes",
        "stragglers",
        "timed",
        "told",
        "window",
    )

    def __init__(
        self,
        identity: bytes,
        hello: wire.Hello,
        window: int,
        dedup: DedupWindow,
        touched: Callable[[ReceiveSession], None],
        max_acked_above: int = wire.MAX_ACKED_ABOVE,
        label: str = "",
        unconsumed: Unconsumed | None = None,
    ) -> None:
        self._dedup = dedup
        self._touched = touched
        self._max_acked_above = max_acked_above
        self.identity = identity
        self.actor = hello.actor
        self.instance = hello.instance
        self.outbox = hello.outbox
        self.inbox = hello.inbox
        #: The inbox as metrics name it.
        self.label = label or hello.inbox
        self.window = window
        #: Whether the sender may send more, as far as it has said.
        self.sends = True
        self._unconsumed = unconsumed or Unconsumed()
        #: (number of the last event, bytes) of each message that is not small and not consumed.
        self.sizes: deque[tuple[int, int]] = deque()
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
        #: Whether somebody waits for any of its events, with a deadline perhaps.
        self.timed = False
        self._outcomes: list[tuple[int, Outcome]] = []

    def take(self, count: int, size: int) -> None:
        """Note that a message has come with `count` events, of `size` bytes in all."""
        self.expected += count
        if size > SMALL_BYTES:
            self._unconsumed.size += size
            self.sizes.append((self.expected - 1, size))

    def close(self, parcels: Sequence[wire.Delivery]) -> None:
        """Note that nothing that these consumed events became is unfinished."""
        dedup = self._dedup
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

    def pass_on(self, parcel: wire.Delivery, outcome: Outcome) -> None:
        """Have the sender told what became of an event, and remember it for repeats of that."""
        dedup = self._dedup
        if dedup.outcomes.add((parcel.id, parcel.trace), outcome, (self, parcel.number)):
            self.tell(parcel.number, outcome)
            for session, number in dedup.pending_duplicates.get(parcel.id, ()):
                session.tell(number, outcome)

    def tell(self, number: int, outcome: Outcome) -> None:
        """Have the sender told what became of the event of that number."""
        self._outcomes.append((number, outcome))
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
            while len(self.acked_above) > self._max_acked_above:
                self.stragglers.add(self.ack_floor + 1)
                self._straggler_order.append(self.ack_floor + 1)
                self._advance()
        self.in_order = not self.acked_above and not self.stragglers
        self.touch()

    def _advance(self) -> None:
        """Raise `ack_floor` by one, and past the finished numbers that follow."""
        self.ack_floor += 1
        while self.ack_floor + 1 in self.acked_above:
            self.ack_floor += 1
            self.acked_above.remove(self.ack_floor)

    def finish_run(self, first: int, parcels: Sequence[wire.Delivery], opened: int = 0) -> None:
        """Finish consecutive events, but for the `opened` ones that wait for something: those have their number set."""
        if self.in_order and not opened and first == self.ack_floor + 1:
            self.ack_floor += len(parcels)
            self.touch()
        elif opened < len(parcels):
            for number, parcel in enumerate(parcels, first):
                if not parcel.number:
                    self.finish(number)

    def touch(self) -> None:
        """Have the sender told what is new, with the next acknowledgements."""
        if not self.dirty:
            self.dirty = True
            self._touched(self)

    def is_finished(self, number: int) -> bool:
        """Whether the event of that number is finished."""
        return number in self.acked_above or (number <= self.ack_floor and number not in self.stragglers)

    @property
    def unfinished(self) -> int:
        """How many events have come and are not finished."""
        return self.expected - 1 - self.ack_floor + len(self.stragglers) - len(self.acked_above)

    def consume(self, count: int) -> None:
        """Note that `count` more events have been consumed, and have the sender told."""
        if not count:
            return
        self.consumed += count
        while self.sizes and self.sizes[0][0] <= self.consumed:
            self._unconsumed.size -= self.sizes.popleft()[1]
        self.touch()

    @property
    def urgent(self) -> bool:
        """Whether the sender should not wait for the news: there is much of it, or its window is half used up, or
        somebody waits for it."""
        return (
            bool(self._outcomes)
            or self.ack_floor - self._told_floor + len(self._fresh) >= ACKS_AT_ONCE
            or (self.consumed - self.told) * 2 >= self.window
        )

    def take_outcomes(self) -> list[wire.Outcomes]:
        """The outcomes that are to be told before the next acknowledgement, in messages that are not too long."""
        messages: list[wire.Outcomes] = []
        if not self._outcomes:
            return messages
        told, self._outcomes = self._outcomes, []
        some: list[tuple[int, Outcome]] = []
        length = 0
        for number, one in told:
            length += outcome.size(one)
            if some and length > wire.MAX_BATCH_BYTES:
                messages.append(wire.Outcomes(some))
                some, length = [], outcome.size(one)
            some.append((number, one))
        messages.append(wire.Outcomes(some))
        return messages

    def take_ack(self) -> wire.Ack:
        """The acknowledgement of what is new since the last one."""
        self.dirty = False
        self.told = self.consumed
        while self._straggler_order and self._straggler_order[0] not in self.stragglers:
            self._straggler_order.popleft()
        self._told_floor = self._straggler_order[0] - 1 if self._straggler_order else self.ack_floor
        if not self._fresh:
            return wire.Ack(self.consumed, self._told_floor)
        acked_above = [number for number in self._fresh if number > self._told_floor]
        self._fresh.clear()
        return wire.Ack(self.consumed, self._told_floor, acked_above)

    def __repr__(self) -> str:
        state = f"expected={self.expected} consumed={self.consumed} ack_floor={self.ack_floor}"
        state += f" acked_above={len(self.acked_above)} stragglers={len(self.stragglers)}"
        return f"<ReceiveSession {self.actor}/{self.instance} -> {self.inbox} {state}>"
