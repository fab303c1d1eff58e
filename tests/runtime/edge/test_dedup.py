"""Repeats: which deliveries an instance consumes, and when those that it does not are finished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit.edge.dedup import DedupWindow
from actorkit.edge.names import NameTable
from actorkit.edge.outcome import Answer, Failed, KeptOutcomes, Outcome
from actorkit.edge.wire import Delivery
from actorkit.event.context import Failure
from actorkit.event.parcel import Parcel

#: Where an event arrived.
HERE = (None, 1)


class Session:
    """Notes the numbers that are finished with a repeat; `consumed` ones are finished because they were consumed."""

    def __init__(self) -> None:
        self.finished: list[int] = []
        self.consumed: set[int] = set()
        self.told: list[tuple[int, Outcome]] = []

    def close(self, parcels: Sequence[Delivery]) -> None:
        self.finished += [parcel.number for parcel in parcels]

    def finish(self, number: int) -> None:
        self.finished.append(number)

    def tell(self, number: int, outcome: Outcome) -> None:
        self.told.append((number, outcome))

    def pass_on(self, parcel: Delivery, outcome: Outcome) -> None:
        self.told.append((parcel.number, outcome))

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


def failed(text: str) -> Failed:
    return Failed(Failure("X", text))


def answer(length: int) -> Answer:
    return Answer("web", b"key", Parcel(1, 1, "b", b"x" * length, b""))


def test_a_repeat_is_told_what_became_of_the_event() -> None:
    dedup, session, other = DedupWindow(), Session(), Session()
    consume(dedup, session, 1, event(10), event(11))
    dedup.outcomes.add((10, 1), failed("no"), (session, 1))
    consume(dedup, other, 7, event(10, redelivered=True), event(11, redelivered=True))
    assert (other.finished, other.told) == ([7, 8], [(7, failed("no"))])


def test_an_event_that_failed_and_comes_unmarked_is_tried_again_and_its_repeats_are_the_later_ones() -> None:
    dedup, session, other = DedupWindow(), Session(), Session()
    consume(dedup, session, 1, event(10, redelivered=True))
    dedup.outcomes.add((10, 1), failed("no"), (session, 1))
    assert consume(dedup, other, 7, event(10, redelivered=True)) == [], "a repeat of the first"
    assert other.told == [(7, failed("no"))]
    assert take(dedup, session, 2, event(10)) == [(2, [10])], "its source tries it again"
    assert consume(dedup, other, 8, event(10), event(10, redelivered=True)) == [], "that is under way"
    assert other.told == [(7, failed("no"))]
    session.consumed.add(2)
    dedup.finish_duplicates(10)
    assert other.finished == [7, 8, 9]
    assert consume(dedup, other, 10, event(10)) == [], "that was done"
    assert other.told == [(7, failed("no"))]


def test_an_event_that_fails_again_when_it_is_tried_again_is_told_again() -> None:
    kept = KeptOutcomes()
    assert kept.add((1, 1), failed("first"), HERE)
    assert kept.add((1, 1), failed("second"), (None, 2))
    assert (kept.of((1, 1), HERE), kept.of((1, 1), (None, 2))) == ([], [failed("second")])


def test_one_failure_of_an_event_is_enough_and_its_answer_is_told_besides() -> None:
    kept = KeptOutcomes()
    assert kept.add((1, 1), failed("first"), HERE)
    assert not kept.add((1, 1), failed("second"), HERE)
    assert kept.add((1, 1), answer(1), HERE)
    assert kept.add((1, 2), failed("another event's"), HERE)
    assert kept.of((1, 1), HERE) == [failed("first"), answer(1)]


def test_outcomes_take_a_bounded_share_of_memory_and_an_answer_too_long_for_it_becomes_a_failure() -> None:
    kept = KeptOutcomes(limit_bytes=100_000)
    for number in range(1000):
        kept.add((number, 1), answer(1000), HERE)
    assert (kept.of((0, 1), HERE), kept.of((999, 1), HERE)) == ([], [answer(1000)])
    assert 50 < sum(bool(kept.of((number, 1), HERE)) for number in range(1000)) < 100
    kept.add((1000, 1), answer(30_000), HERE)
    (long,) = kept.of((1000, 1), HERE)
    assert isinstance(long, Failed)
    assert long.failure.status == 500


def fill(dedup: DedupWindow, session: Session, first: int, count: int, step: int = 10) -> None:
    for number in range(first, first + count, step):
        consume(dedup, session, number, *(event(id_) for id_ in range(number, number + step)))


def known(dedup: DedupWindow, session: Session, ids: Iterable[int]) -> list[int]:
    """Those of the ids of which a repeat is recognised."""
    taken = take(dedup, session, 1_000_000, *(event(id_, redelivered=True) for id_ in ids))
    new = {id_ for _, run in taken for id_ in run}
    return [id_ for id_ in ids if id_ not in new]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_at_least_the_last_events_are_remembered_however_old_and_not_many_more() -> None:
    clock, session = Clock(), Session()
    dedup = DedupWindow(least=800, remember_s=7, clock=clock)
    for number in range(1, 10_000, 100):
        clock.now += 60
        fill(dedup, session, number, 100)
    assert 800 <= dedup.count <= 1000
    assert known(dedup, session, range(9_202, 10_001)) == list(range(9_202, 10_001))
    assert known(dedup, session, range(1, 100)) == []
    assert dedup.forgotten == 0


def test_however_many_events_come_those_of_the_last_seconds_are_remembered() -> None:
    clock, session = Clock(), Session()
    dedup = DedupWindow(least=80, remember_s=7, clock=clock)
    for second in range(30):
        fill(dedup, session, 1 + second * 1000, 1000)
        clock.now += 1
    assert 7_000 <= dedup.count <= 9_000
    assert known(dedup, session, range(23_001, 30_001, 7)) == list(range(23_001, 30_001, 7))
    assert dedup.forgotten == 0


def test_where_memory_ends_it_sooner_that_is_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    clock, session = Clock(), Session()
    dedup = DedupWindow(least=80, remember_s=7, max_bytes=100_000, clock=clock)
    for second in range(20):
        fill(dedup, session, 1 + second * 1000, 1000)
        clock.now += 1
        assert dedup.bytes <= 100_000
    assert dedup.count + dedup.forgotten == 20_000
    assert dedup.count > 2_500
    assert known(dedup, session, range(18_001, 20_001, 7)) == list(range(18_001, 20_001, 7))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "in 100000 bytes, not for 7 s" in caplog.text


def test_marked_events_take_memory_too_and_are_forgotten_with_the_others() -> None:
    clock, session = Clock(), Session()
    dedup = DedupWindow(least=80, remember_s=7, max_bytes=100_000, clock=clock)
    for number in range(1, 10_000):
        consume(dedup, session, number, event(number, redelivered=True))
    assert dedup.bytes <= 110_000
    assert dedup.forgotten > 7_000
    clock.now += 100
    fill(dedup, session, 20_001, 2_000)
    clock.now += 100
    fill(dedup, session, 30_001, 2_000)
    assert consume(dedup, session, 40_000, event(9_999)) == [(40_000, [9_999])]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 4), st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9))),
        max_size=20,
    ),
    st.integers(0, 20),
)
def test_a_table_of_names_finds_what_a_dictionary_finds(arrivals: list[tuple[int, int, list[int]]], ask: int) -> None:
    table, sessions = NameTable(), [Session() for _ in range(4)]
    numbers, model = [1] * 4, {}
    for turn, (which, trace, ids) in enumerate(arrivals):
        table.add(sessions[which], numbers[which], [event(id_, trace) for id_ in ids])
        for id_ in ids:
            model[id_, trace] = (sessions[which], numbers[which])
            numbers[which] += 1
        if turn == ask:  # the index is made now, and brought up to date later
            assert table.find(5, 1) == model.get((5, 1))
    assert table.count == sum(len(ids) for _, _, ids in arrivals)
    for id_ in {*range(10), *(id_ for _, _, ids in arrivals for id_ in ids)}:
        for trace in range(1, 5):
            assert table.find(id_, trace) == model.get((id_, trace))
