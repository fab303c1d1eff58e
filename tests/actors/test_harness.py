"""The harness that users test their actors with behaves as an instance does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import gevent
import pytest

from actorkit import (
    Actor,
    AnswerTimeout,
    Event,
    Held,
    JSONEvent,
    MalformedEvent,
    NotFound,
    Position,
    Settlement,
    UnsendableData,
)
from actorkit.errors import Draining, NotAnswered, SettingsError
from actorkit.testing import Harness
from tests.runtime.host.settling import Awaiting


class Split(Actor):
    """Makes several events of one, and tells an audit about it."""

    OUTBOXES = ("audit",)

    class Params(Actor.Params, frozen=True, kw_only=True):
        least: int = 1

    params: Params

    def consume(self, event: JSONEvent) -> Iterator[Event]:
        if len(event.data) < self.params.least:
            raise MalformedEvent("too few", wanted=self.params.least)
        self.send(event, "audit")
        for part in event.data:
            yield event.replace(part)


def test_what_consume_yields_goes_to_the_default_outboxes() -> None:
    harness = Harness(Split, outboxes=("a", "b"))
    event = Event("[1, 2]")
    harness.put(event)
    for outbox in ("a", "b"):
        assert [part.data for part in harness.taken(outbox)] == [1, 2]
    assert harness.taken() == []
    assert harness.errors == []


def test_a_declared_outbox_gets_only_what_is_sent_to_it_by_name() -> None:
    harness = Harness(Split, outboxes=("out", "audit"))
    harness.put(Event([1, 2]))
    assert len(harness.taken("out")) == 2
    [audited] = harness.taken("audit")
    assert audited.data == [1, 2]


def test_what_consume_raises_is_in_errors_with_its_failure() -> None:
    harness = Harness(Split, name="split", least=3)
    harness.put(Event([1]))
    [failed] = harness.errors
    assert failed.failure is not None
    assert (failed.failure.kind, failed.failure.status, failed.failure.actor) == ("MalformedEvent", 400, "split")
    assert failed.failure.details == {"wanted": 3}
    assert failed.data == [1]


def test_data_that_does_not_fit_never_reaches_the_actor() -> None:
    harness = Harness(Split)
    harness.put(Event("no JSON"))
    assert "ConversionError" in str(harness.errors[0].failure)


def test_parameters_are_checked_as_they_are_in_a_topology() -> None:
    with pytest.raises(SettingsError, match="least"):
        Harness(Split, least="many")


class Fragile(Actor):
    """Succeeds at the third attempt."""

    attempts: ClassVar[int] = 0

    def consume(self, event: Event) -> Event:
        type(self).attempts += 1
        if self.attempts < 3:
            raise ValueError("not yet")
        return event


@pytest.mark.parametrize(("retries", "sent"), [(2, 1), (1, 0)])
def test_consume_is_tried_again_as_often_as_the_parameters_say(retries: int, sent: int) -> None:
    Fragile.attempts = 0
    harness = Harness(Fragile, retries=retries)
    harness.put(Event("x"))
    assert len(harness.taken()) == sent
    assert len(harness.errors) == 1 - sent


class Keeper(Actor):
    """Keeps events until it is told what becomes of them."""

    def setup(self) -> None:
        self.kept: list[Held] = []

    def consume(self, event: Event) -> None:
        self.kept.append(self.hold(event))


def test_a_held_event_is_finished_once() -> None:
    harness = Harness(Keeper)
    for data in ("a", "b"):
        harness.put(Event(data))
    first, second = harness.actor.kept
    assert len(harness.held) == 2
    first.complete(Event("done"))
    first.fail(ValueError("too late"))
    second.fail(MalformedEvent("no"))
    second.complete(Event("too late"))
    assert [event.data for event in harness.taken()] == ["done"]
    assert [event.data for event in harness.errors] == ["b"]
    assert harness.held == []


class Asker(Actor):
    """Asks, and tells how that went."""

    ANSWERS = True

    def question(self, outbox: str | None = None) -> Event:
        return self.request(Event("question"), outbox, timeout_s=0.05)


def test_a_request_is_answered_by_the_function_that_plays_the_graph() -> None:
    def answer(event: Event, outbox: str | None) -> Event | None:
        if outbox == "slow":
            gevent.sleep(10)  # longer than anybody waits
        if outbox == "bad":
            raise MalformedEvent("no")
        return event.replace("answer") if outbox == "out" else None

    harness = Harness(Asker, answer=answer, outboxes=("out", "slow", "bad", "none"))
    assert harness.actor.question("out").data == "answer"
    failure = harness.actor.question("bad").failure
    assert failure is not None
    assert failure.message == "no"
    for outbox, error in (("slow", AnswerTimeout), ("none", NotAnswered), ("nobody", NotFound)):
        with pytest.raises(error):
            harness.actor.question(outbox)
    harness.drain()
    with pytest.raises(Draining):
        harness.actor.question("out")


def test_an_outbox_that_is_neither_connected_nor_declared_is_not_there() -> None:
    harness = Harness(Split, outboxes=())
    harness.actor.send(Event("x"), "audit")
    with pytest.raises(NotFound, match='no outbox "elsewhere"'):
        harness.actor.send(Event("x"), "elsewhere")


class Rows(Actor):
    """Makes an event of each row, and writes down what it is told of them."""

    def setup(self) -> None:
        self.told: list[tuple[dict[int | str, str], dict[str, int]]] = []
        self.given_back: Sequence[Position] = ()

    def produce(self) -> Iterator[Event]:
        for number in range(10, 100, 10):
            yield Event(str(number), position=Position("rows", number))

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:
        said = {one.position.at: one.failure.kind if one.failure is not None else "done" for one in settlements}
        self.told.append((said, dict(floors)))

    def give_back(self, positions: Sequence[Position]) -> None:
        self.given_back = positions


def test_a_source_is_told_by_the_test_what_became_of_its_events() -> None:
    with Harness(Rows) as harness:
        ten, twenty, thirty, forty = harness.produce(4)
        assert [event.key for event in harness.taken()] == [event.key for event in (ten, twenty, thirty, forty)]
        harness.settle(twenty, failure=MalformedEvent("no"))
        harness.settle(Position("rows", 10))
        assert harness.unfinished == [Position("rows", 30), Position("rows", 40)]
        harness.settle(thirty)
    assert harness.actor.told == [
        ({20: "MalformedEvent"}, {}),
        ({10: "done"}, {"rows": 20}),
        ({30: "done"}, {"rows": 30}),
    ]
    assert harness.actor.given_back == [Position("rows", 40)]


def test_a_source_that_is_started_again_makes_the_same_events() -> None:
    first, again = Harness(Rows).produce(2), Harness(Rows).produce(2)
    assert [event.key for event in first] == [event.key for event in again]
    assert len({event.key for event in first}) == 2
    assert Harness(Rows, name="other").produce(1)[0].key != first[0].key


def test_a_position_that_nobody_would_be_told_of_is_refused() -> None:
    with pytest.raises(UnsendableData, match="its actor has no `settle`"):
        Harness(Split).send(Event("x", position=Position("rows", 1)), None)


def test_a_source_may_be_told_by_coroutines() -> None:
    with Harness(Awaiting) as harness:
        harness.actor.order(1, 2)
        one, _ = harness.produce(2)
        harness.settle(one)
        assert harness.actor.settled == {1: None}
    assert [position.at for position in harness.actor.given_back] == [2]
