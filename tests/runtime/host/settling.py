"""A source for tests whose events have positions, and what it was told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from gevent.queue import Queue

from actorkit import Actor, Event, Failure, Position, Settlement


class Lines(Actor):
    """Makes an event of each number that the test puts into `orders`, at that position of `stream`."""

    STREAM = "orders.csv"

    def setup(self) -> None:
        self.orders: Queue[int] = Queue()
        #: What it was told, batch by batch.
        self.told: list[tuple[Sequence[Settlement], Mapping[str, int]]] = []
        self.given_back: list[Position] = []
        self.torn_down_after: int | None = None

    def order(self, *numbers: int) -> None:
        for number in numbers:
            self.orders.put(number)

    def produce(self) -> Iterator[Event]:
        for number in iter(self.orders.get, None):
            yield Event(str(number).encode(), position=Position(self.STREAM, number))

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:
        self.told.append((settlements, floors))

    def give_back(self, positions: Sequence[Position]) -> None:
        self.given_back += positions

    def teardown(self) -> None:
        self.torn_down_after = len(self.told) + len(self.given_back)

    @property
    def settled(self) -> dict[int | str, Failure | None]:
        """What was told of each position, the last time."""
        return {one.position.at: one.failure for settlements, _ in self.told for one in settlements}

    @property
    def count(self) -> int:
        """How often it was told of an event."""
        return sum(len(settlements) for settlements, _ in self.told)

    @property
    def floor(self) -> int | None:
        """The last floor that it was told."""
        floors = [floors[self.STREAM] for _, floors in self.told if self.STREAM in floors]
        assert floors == sorted(set(floors))
        return floors[-1] if floors else None


class Awaiting(Lines):
    """Is told by coroutines."""

    async def settle(  # type: ignore[override]  # as an actor may
        self, settlements: Sequence[Settlement], floors: Mapping[str, int]
    ) -> None:
        await asyncio.sleep(0.001)
        super().settle(settlements, floors)

    async def give_back(self, positions: Sequence[Position]) -> None:  # type: ignore[override]  # as an actor may
        await asyncio.sleep(0.001)
        super().give_back(positions)
