"""Repeats: which arrivals an instance consumes, and when those that it does not are finished."""

from __future__ import annotations

from actorkit.known import Known
from actorkit.wire import Arrived


class Session:
    """Notes the numbers that are finished with a repeat; `consumed` ones are finished because they were consumed."""

    def __init__(self) -> None:
        self.finished: list[int] = []
        self.consumed: set[int] = set()

    def finish(self, number: int) -> None:
        self.finished.append(number)

    def is_finished(self, number: int) -> bool:
        return number in self.consumed or number in self.finished


def event(id_: int, trace: int = 1, *, marked: bool = False) -> Arrived:
    return Arrived(id_, trace, "n", b"", b"", None, marked)


def take(known: Known, session: Session, first: int, *parcels: Arrived, worker: int = 0) -> list[tuple[int, list[int]]]:
    """What the worker has to consume: (first number, ids)."""
    marked = any(parcel.redelivered for parcel in parcels)
    return [(n, [one.id for one in run]) for n, run in known.take(worker, session, first, list(parcels), marked)]


def consume(known: Known, session: Session, first: int, *parcels: Arrived) -> list[tuple[int, list[int]]]:
    taken = take(known, session, first, *parcels)
    session.consumed.update(number + index for number, run in taken for index in range(len(run)))
    known.release(0)
    return taken


def test_a_marked_event_that_was_consumed_is_finished_at_once() -> None:
    known, session = Known(), Session()
    assert consume(known, session, 1, event(10), event(11)) == [(1, [10, 11])]
    assert consume(known, session, 3, event(12), event(11, marked=True), event(13)) == [(3, [12]), (5, [13])]
    assert session.finished == [4]


def test_an_unmarked_event_whose_repeat_came_first_is_not_consumed_again() -> None:
    known, session = Known(), Session()
    assert consume(known, session, 1, event(10, marked=True)) == [(1, [10])]
    assert consume(known, session, 2, event(9), event(10)) == [(2, [9])]
    assert session.finished == [3]


def test_a_repeat_within_one_arrival_is_finished_with_the_event_that_it_repeats() -> None:
    known, session = Known(), Session()
    assert take(known, session, 1, event(10), event(10, marked=True)) == [(1, [10])]
    assert session.finished == []
    known.release(0)
    assert session.finished == [2]


def test_a_repeat_of_what_another_worker_consumes_is_finished_when_that_has_consumed_it() -> None:
    known, session = Known(), Session()
    known.consuming = [(), ()]
    assert take(known, session, 1, event(10), worker=0) == [(1, [10])]
    assert take(known, session, 2, event(10, marked=True), worker=1) == []
    known.release(1)
    assert session.finished == []
    known.release(0)
    assert session.finished == [2]


def test_a_repeat_of_an_unfinished_event_is_finished_with_it() -> None:
    known, session, other = Known(), Session(), Session()
    first = event(10)
    take(known, session, 1, event(9), first)
    first.pending = 1
    known.release(0)
    assert consume(known, other, 1, event(10, marked=True)) == []
    assert consume(known, other, 2, event(10, marked=True)) == []
    assert other.finished == []
    known.finish_twins(10)
    assert other.finished == [1, 2]
    assert session.finished == []


def test_a_repeat_within_one_arrival_waits_for_an_event_that_is_not_finished() -> None:
    known, session = Known(), Session()
    first = event(10)
    take(known, session, 1, first, event(10, marked=True))
    first.pending = 1
    known.release(0)
    assert session.finished == []
    known.finish_twins(10)
    assert session.finished == [2]


def test_a_repeat_is_finished_at_once_when_its_event_was_finished_late() -> None:
    known, session, other = Known(), Session(), Session()
    first = event(10)
    take(known, session, 1, event(9), first)
    first.pending = 1
    known.release(0)
    session.consumed.update((1, 2))
    known.finish_twins(10)
    assert consume(known, other, 1, event(10, marked=True)) == []
    assert other.finished == [1]


def test_events_of_one_id_and_two_traces_are_two_events() -> None:
    known, session = Known(), Session()
    consume(known, session, 1, event(10, trace=1))
    assert consume(known, session, 2, event(10, trace=2, marked=True)) == [(2, [10])]


def test_at_least_the_last_events_are_remembered_and_not_many_more() -> None:
    known, session = Known(memory=100), Session()
    for number in range(1, 301):
        consume(known, session, number, event(number))
    assert consume(known, session, 301, *(event(number, marked=True) for number in range(201, 301))) == []
    assert consume(known, session, 401, event(1, marked=True)) == [(401, [1])]
