"""Repeats: which deliveries an instance consumes, and when those that it does not are finished."""

from __future__ import annotations

from collections.abc import Sequence

from actorkit.edge.dedup import DedupWindow
from actorkit.edge.wire import Delivery


class Session:
    """Notes the numbers that are finished with a repeat; `consumed` ones are finished because they were consumed."""

    def __init__(self) -> None:
        self.finished: list[int] = []
        self.consumed: set[int] = set()

    def close(self, parcels: Sequence[Delivery]) -> None:
        self.finished += [parcel.number for parcel in parcels]

    def finish(self, number: int) -> None:
        self.finished.append(number)

    def is_finished(self, number: int) -> bool:
        return number in self.consumed or number in self.finished


def event(id_: int, trace: int = 1, *, redelivered: bool = False) -> Delivery:
    return Delivery(id_, trace, "n", b"", b"", None, redelivered)


def take(
    dedup: DedupWindow, session: Session, first: int, *parcels: Delivery, worker: int = 0
) -> list[tuple[int, list[int]]]:
    """What the worker has to consume: (first number, ids)."""
    redelivered = any(parcel.redelivered for parcel in parcels)
    return [(n, [one.id for one in run]) for n, run in dedup.admit(worker, session, first, list(parcels), redelivered)]


def consume(dedup: DedupWindow, session: Session, first: int, *parcels: Delivery) -> list[tuple[int, list[int]]]:
    taken = take(dedup, session, first, *parcels)
    session.consumed.update(number + index for number, run in taken for index in range(len(run)))
    dedup.settle(0)
    return taken


def test_a_marked_event_that_was_consumed_is_finished_at_once() -> None:
    dedup, session = DedupWindow(), Session()
    assert consume(dedup, session, 1, event(10), event(11)) == [(1, [10, 11])]
    assert consume(dedup, session, 3, event(12), event(11, redelivered=True), event(13)) == [(3, [12]), (5, [13])]
    assert session.finished == [4]
    assert dedup.duplicates == 1


def test_an_unmarked_event_whose_repeat_came_first_is_not_consumed_again() -> None:
    dedup, session = DedupWindow(), Session()
    assert consume(dedup, session, 1, event(10, redelivered=True)) == [(1, [10])]
    assert consume(dedup, session, 2, event(9), event(10)) == [(2, [9])]
    assert session.finished == [3]


def test_a_repeat_within_one_arrival_is_finished_with_the_event_that_it_repeats() -> None:
    dedup, session = DedupWindow(), Session()
    assert take(dedup, session, 1, event(10), event(10, redelivered=True)) == [(1, [10])]
    assert session.finished == []
    dedup.settle(0)
    assert session.finished == [2]


def test_a_repeat_of_what_another_worker_consumes_is_finished_when_that_has_consumed_it() -> None:
    dedup, session = DedupWindow(), Session()
    dedup.in_progress = [(), ()]
    assert take(dedup, session, 1, event(10), worker=0) == [(1, [10])]
    assert take(dedup, session, 2, event(10, redelivered=True), worker=1) == []
    dedup.settle(1)
    assert session.finished == []
    dedup.settle(0)
    assert session.finished == [2]


def test_a_repeat_of_an_unfinished_event_is_finished_with_it() -> None:
    dedup, session, other = DedupWindow(), Session(), Session()
    first = event(10)
    take(dedup, session, 1, event(9), first)
    first.pending = 1
    dedup.settle(0)
    assert consume(dedup, other, 1, event(10, redelivered=True)) == []
    assert consume(dedup, other, 2, event(10, redelivered=True)) == []
    assert other.finished == []
    dedup.finish_duplicates(10)
    assert other.finished == [1, 2]
    assert session.finished == []


def test_a_repeat_within_one_arrival_waits_for_an_event_that_is_not_finished() -> None:
    dedup, session = DedupWindow(), Session()
    first = event(10)
    take(dedup, session, 1, first, event(10, redelivered=True))
    first.pending = 1
    dedup.settle(0)
    assert session.finished == []
    dedup.finish_duplicates(10)
    assert session.finished == [2]


def test_a_repeat_is_finished_at_once_when_its_event_was_finished_late() -> None:
    dedup, session, other = DedupWindow(), Session(), Session()
    first = event(10)
    take(dedup, session, 1, event(9), first)
    first.pending = 1
    dedup.settle(0)
    session.consumed.update((1, 2))
    dedup.finish_duplicates(10)
    assert consume(dedup, other, 1, event(10, redelivered=True)) == []
    assert other.finished == [1]


def test_events_of_one_id_and_two_traces_are_two_events() -> None:
    dedup, session = DedupWindow(), Session()
    consume(dedup, session, 1, event(10, trace=1))
    assert consume(dedup, session, 2, event(10, trace=2, redelivered=True)) == [(2, [10])]


def test_at_least_the_last_events_are_remembered_and_not_many_more() -> None:
    dedup, session = DedupWindow(memory=100), Session()
    for number in range(1, 301):
        consume(dedup, session, number, event(number))
    assert consume(dedup, session, 301, *(event(number, redelivered=True) for number in range(201, 301))) == []
    assert consume(dedup, session, 401, event(1, redelivered=True)) == [(401, [1])]
