"""Positions of a source's events: which are marked as repeats, which are unfinished, and what is forgotten."""

from __future__ import annotations

from actorkit.edge.positions import Positions
from actorkit.event.context import Failure
from actorkit.event.position import Position, Settlement


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def done(*positions: Position) -> list[Settlement]:
    return [Settlement(position) for position in positions]


def failed(position: Position) -> list[Settlement]:
    return [Settlement(position, Failure("X", "no"))]


ONE = Position("a", 1)


def test_events_are_marked_for_as_long_as_those_behind_may_remember_an_earlier_life_of_the_source() -> None:
    clock = Clock()
    positions = Positions(events=3, remember_s=30.0, clock=clock)
    assert [positions.begin(Position("a", at)) for at in range(1, 6)] == [True] * 5, "the time is not over"
    clock.now = 31.0
    assert not positions.begin(Position("a", 6))
    assert positions.begin(Position("b", 1)), "another stream has begun now"
    clock.now = 100.0
    assert [positions.begin(Position("b", at)) for at in range(2, 5)] == [True, True, False]


def grown(events: int = 0, remember_s: float = 0.0) -> Positions:
    """Positions whose streams are no longer young."""
    return Positions(events=events, remember_s=remember_s)


def test_what_the_outside_says_or_is_under_way_is_marked_and_nothing_else() -> None:
    positions = grown()
    assert not positions.begin(ONE)
    assert positions.begin(ONE), "it is under way"
    assert positions.begin(Position("a", 2), redelivered=True)
    assert positions.unfinished == [ONE, Position("a", 2)]


def test_an_event_that_is_under_way_twice_is_unfinished_until_both_are_settled() -> None:
    positions = grown()
    positions.begin(ONE)
    positions.begin(ONE)
    assert positions.settle(done(ONE)) == {}
    assert positions.unfinished == [ONE]
    assert positions.settle(done(ONE)) == {"a": 1}
    assert positions.unfinished == []


def test_an_event_that_failed_is_no_repeat_when_it_is_tried_again() -> None:
    positions = Positions()
    assert positions.begin(ONE)
    positions.settle(failed(ONE))
    assert not positions.begin(ONE, redelivered=True)
    positions.settle(done(ONE))
    assert positions.begin(ONE), "that time it was done"


def test_the_floors_of_ordered_streams_rise_and_others_have_none() -> None:
    positions = grown()
    text = Position("files", "x.csv")
    for position in (Position("a", 7), Position("a", 9), Position("b", 1), text):
        positions.begin(position)
    assert positions.settle(done(Position("a", 9), text)) == {}
    assert positions.settle(done(Position("b", 1)) + failed(Position("a", 7))) == {"a": 9, "b": 1}


def test_streams_that_lie_idle_are_forgotten_and_those_with_open_events_are_not() -> None:
    positions = Positions(events=1, remember_s=0.0, max_streams=10)
    positions.begin(ONE)
    assert not positions.begin(Position("a", 2))
    for number in range(100):
        position = Position(str(number), 1)
        assert positions.begin(position)
        positions.settle(done(position))
    assert not positions.begin(Position("a", 3)), "it is known"
    assert positions.begin(Position("0", 2)), "it is new again"
    assert positions.settle(done(ONE, Position("a", 2))) == {"a": 2}
    assert "1 failed" not in repr(positions)
