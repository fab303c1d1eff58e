"""The harness plays what an instance does besides single events: coroutines, batches, timers, the end of input."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from actorkit import Actor, BatchFailed, Event, Held, JSONEvent, MalformedEvent, NotAnswered, every
from actorkit.testing import Harness


class Life(Actor):
    """Notes what happens to it, as a coroutine."""

    ANSWERS = True

    async def setup(self) -> None:
        self.seen = ["setup"]
        self.held: list[Held] = []

    async def consume(self, event: JSONEvent) -> AsyncIterator[Event]:
        await asyncio.sleep(0)
        if event.data == "hold":
            self.held.append(self.hold(event))
        elif event.data == "ask":
            yield await self.ask(event, timeout_s=1)
        elif event.data == "request":
            self.request(event, timeout_s=1)
        else:
            yield event.replace([event.data, 1])
            yield event.replace([event.data, 2])

    async def produce(self) -> AsyncIterator[Event]:
        for number in range(3):
            yield JSONEvent(number)

    @every(60)
    async def look(self) -> None:
        self.seen.append("look")
        self.send(JSONEvent("looked"))

    async def drain(self) -> None:
        self.seen.append("drain")

    async def end_input(self) -> None:
        self.seen.append("end_input")
        for held in self.held:
            held.complete(JSONEvent("let go"))

    async def teardown(self) -> None:
        self.seen.append("teardown")


class Table(Actor):
    """Refuses odd numbers, and everything once."""

    Params = Actor.BatchParams

    def setup(self) -> None:
        self.calls: list[int] = []
        self.trouble: OSError | None = None

    def consume_batch(self, events: list[JSONEvent]) -> list[Event]:
        self.calls.append(len(events))
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble
        if odd := {event: MalformedEvent("odd") for event in events if event.data % 2}:
            raise BatchFailed(odd)
        return [event.replace(event.data * 10) for event in events]


def test_an_actor_of_coroutines_lives_in_it() -> None:
    with Harness(Life) as harness:
        harness.put(JSONEvent("a"), JSONEvent("b"))
        assert [event.data for event in harness.taken()] == [["a", 1], ["a", 2], ["b", 1], ["b", 2]]
        assert [event.data for event in harness.produce(2)] == [0, 1]
        assert [event.data for event in harness.produce(10)] == [0, 1, 2]
        harness.taken()
        harness.tick("look")
        harness.put(JSONEvent("hold"))
        assert len(harness.held) == 1
        harness.drain()
        harness.end_input()
        assert harness.held == []
        assert [event.data for event in harness.taken()] == ["looked", "let go"]
        actor = harness.actor
    assert actor.seen == ["setup", "look", "drain", "end_input", "teardown"]


def test_a_coroutine_asks_and_does_not_request() -> None:
    with Harness(Life, answer=lambda event, _: event.replace("answer")) as harness:
        harness.put(JSONEvent("ask"))
        assert [event.data for event in harness.taken()] == ["ask", "answer"]
        harness.put(JSONEvent("request"))
        assert harness.errors[0].failure is not None
    with Harness(Life) as harness:
        harness.put(JSONEvent("ask"))
        assert [event.failure.kind for event in harness.errors if event.failure] == [NotAnswered.__name__]


def test_a_method_that_is_no_timer_is_not_ticked() -> None:
    with Harness(Life) as harness, pytest.raises(TypeError, match="no method that `every` marks"):
        harness.tick("setup")


def test_a_batch_is_one_call_and_fails_whole_or_in_part() -> None:
    with Harness(Table) as harness:
        harness.put(JSONEvent(2), JSONEvent(4))
        assert [event.data for event in harness.taken()] == [20, 40]
        harness.put(JSONEvent(1), JSONEvent(2))
        assert [event.data for event in harness.errors] == [1]
        harness.actor.trouble = OSError("full")
        harness.put(JSONEvent(2), JSONEvent(4))
        assert [event.data for event in harness.errors] == [2, 4]
        assert harness.actor.calls == [2, 2, 2]


def test_what_failed_in_a_batch_is_tried_again() -> None:
    with Harness(Table, retries=1) as harness:
        harness.actor.trouble = OSError("full")
        harness.put(JSONEvent(2), Event.unread("j", b"{"), JSONEvent(3))
        assert harness.actor.calls == [2, 2]
        assert [event.failure.kind for event in harness.errors if event.failure] == [
            "ConversionError",
            "MalformedEvent",
        ]
