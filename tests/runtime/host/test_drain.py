"""When an actor is told that no more will come: the clock is the test's."""

from __future__ import annotations

from actorkit.host.drain import SETTLE_S, EndOfInput


def test_it_is_told_when_all_senders_are_at_their_end_and_nothing_came_for_a_moment() -> None:
    end = EndOfInput(patience=10.0)
    assert not end.is_due(0.0, at_end=False, resting=True, count=5)
    assert not end.is_due(1.0, at_end=True, resting=True, count=5)
    assert not end.has_come
    assert not end.is_due(1.0 + SETTLE_S / 2, at_end=True, resting=True, count=6), "one more has come"
    assert not end.is_due(1.0 + SETTLE_S, at_end=True, resting=True, count=6)
    assert end.is_due(1.0 + 2 * SETTLE_S, at_end=True, resting=True, count=6)
    assert end.has_come


def test_it_is_told_once_and_again_when_more_came_after_all() -> None:
    end = EndOfInput(patience=10.0)
    told = [
        end.is_due(time, at_end=True, resting=True, count=count)
        for time, count in ((0.0, 1), (0.2, 1), (0.4, 1), (0.6, 2), (0.8, 2), (1.0, 2))
    ]
    assert told == [False, True, False, False, True, False]


def test_it_is_not_told_while_something_is_consumed() -> None:
    end = EndOfInput(patience=0.0)
    assert not end.is_due(0.0, at_end=True, resting=False, count=1)
    assert not end.is_due(1.0, at_end=True, resting=False, count=1)
    assert not end.is_due(1.1, at_end=True, resting=True, count=1), "the moment begins anew"
    assert end.is_due(1.1 + SETTLE_S, at_end=True, resting=True, count=1)


def test_where_no_sender_says_so_it_is_told_when_patience_is_over() -> None:
    end = EndOfInput(patience=10.0)
    assert not end.is_due(9.9, at_end=False, resting=True, count=1)
    assert not end.is_due(10.0, at_end=False, resting=True, count=1)
    assert end.is_due(10.2, at_end=False, resting=True, count=1)


def test_a_sender_that_goes_on_after_all_takes_it_back() -> None:
    end = EndOfInput(patience=10.0)
    assert not end.is_due(0.0, at_end=True, resting=True, count=1)
    assert end.is_due(0.2, at_end=True, resting=True, count=1)
    assert not end.is_due(0.3, at_end=False, resting=True, count=1)
    assert not end.has_come
