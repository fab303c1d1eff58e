"""A session's ledger: what is acknowledged, in any order, with one entry for all events or one for each."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from actorkit.edge import ledger, wire
from actorkit.edge.outcome import Failed, Outcome
from actorkit.edge.send_session import SendSession
from actorkit.edge.wire import Ack, Delivery
from actorkit.event.context import Failure
from actorkit.event.parcel import Parcel


class Entry:
    def __init__(self) -> None:
        self.pending = 0
        self.finished = 0
        self.told: list[Outcome] = []

    def done(self) -> None:
        self.finished += 1

    def tell(self, outcome: Outcome, /) -> None:
        self.told.append(outcome)


def parcels(*ids: int) -> list[Parcel]:
    return [Parcel(id_, id_, "n", b"", b"") for id_ in ids]


class Session:
    """Notes the numbers that are finished."""

    def __init__(self) -> None:
        self.closed: list[int] = []
        self.told: list[tuple[int, Outcome]] = []

    def close(self, parcels: Sequence[Delivery]) -> None:
        self.closed += [parcel.number for parcel in parcels]

    def pass_on(self, parcel: Delivery, outcome: Outcome) -> None:
        self.told.append((parcel.number, outcome))

    def tell(self, number: int, outcome: Outcome) -> None:
        self.told.append((number, outcome))

    def finish(self, number: int) -> None:
        self.closed.append(number)

    def is_finished(self, number: int) -> bool:
        return number in self.closed


def arrived(number: int, session: Session | None, pending: int = 1) -> Delivery:
    """An event that waits for `pending` others; its consume goes on where the session is None."""
    made = Delivery(number, number, "n", b"", b"")
    made.number, made.session, made.pending = number, session, pending
    return made


def alone(*ids: int) -> tuple[SendSession, Entry]:
    """A session with one entry for all events."""
    entry = Entry()
    entry.pending = 1 + len(ids)
    session = SendSession("tcp://a:1", entry)
    session.enter(parcels(*ids), [])
    return session, entry


def unacknowledged(session: SendSession) -> list[int]:
    return [parcel.id for parcel, _ in session.ledger]


def test_one_entry_is_told_how_many_are_finished_whatever_their_order() -> None:
    session, entry = alone(1, 2, 3, 4, 5)
    session.acknowledge(Ack(5, 0, [2, 4, 4]))
    assert (entry.pending, session.unacked, unacknowledged(session)) == (4, 3, [1, 3, 5])
    session.acknowledge(Ack(5, 3, []))
    assert (entry.pending, session.unacked, unacknowledged(session)) == (2, 1, [5])
    session.acknowledge(Ack(5, 5, []))
    assert (entry.pending, entry.finished, session.unacked) == (1, 0, 0)


@pytest.mark.parametrize("ack_floor", [0, 1, 3])
def test_a_ledger_that_is_shared_from_now_on_keeps_its_count(ack_floor: int) -> None:
    session, entry = alone(1, 2, 3, 4)
    session.acknowledge(Ack(4, 0, [2]))
    session.unshare()
    other = Entry()
    other.pending = 1
    session.enter(parcels(5), [other])
    session.acknowledge(Ack(5, ack_floor, []))
    session.acknowledge(Ack(5, ack_floor, [4]))
    session.acknowledge(Ack(5, 4, []))
    assert (entry.pending, other.pending, unacknowledged(session)) == (1, 1, [5])
    session.acknowledge(Ack(5, 5, []))
    assert (entry.pending, entry.finished, other.finished) == (1, 0, 1)


def test_what_was_never_sent_is_not_acknowledged() -> None:
    session, entry = alone(1, 2)
    session.acknowledge(Ack(9, 1, [7]))
    assert (session.consumed, entry.pending, unacknowledged(session)) == (2, 2, [2])


def test_what_is_taken_back_is_what_was_not_acknowledged() -> None:
    session, entry = alone(1, 2, 3)
    session.acknowledge(Ack(0, 0, [2]))
    assert [(parcel.id, one) for parcel, one in session.take_back()] == [(1, entry), (3, entry)]
    assert (session.unacked, session.ledger) == (0, [])


@pytest.mark.parametrize("shared", [False, True])
def test_an_event_that_finishes_late_does_not_keep_those_behind_it(shared: bool) -> None:
    session, entry = alone(*range(1, 5001))
    if shared:
        session.unshare()
    for number in range(2, 5001):
        session.acknowledge(Ack(5000, 0, [number]))
    assert (entry.pending, session.unacked, unacknowledged(session)) == (2, 1, [1])
    kept = re.search(r"acked above=(\d+)", repr(session))
    assert kept is not None
    assert int(kept[1]) <= wire.MAX_ACKED_ABOVE
    session.acknowledge(Ack(5000, 5000, []))
    assert (entry.pending, session.unacked) == (1, 0)


def test_arrived_events_are_told_to_their_sessions_when_nothing_is_pending() -> None:
    one, two, other = Session(), Session(), Entry()
    other.pending = 1
    entries: list[ledger.Entry] = [
        *(arrived(number, one) for number in (1, 2)),
        arrived(3, one, pending=2),
        other,
        arrived(1, two),
        arrived(2, None),
        arrived(4, one),
    ]
    session = SendSession("tcp://a:1")
    session.enter(parcels(*range(1, 8)), entries)
    session.acknowledge(Ack(7, 7, []))
    assert (one.closed, two.closed, other.finished) == ([1, 2, 4], [1], 1)
    assert [entry.pending for entry in entries] == [0, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("alone", [False, True])
def test_outcomes_are_told_to_who_waits_for_the_event_also_when_it_finishes_late(alone: bool) -> None:
    count = wire.MAX_ACKED_ABOVE + 10
    session, entries = SendSession("tcp://a:1"), [Entry() for _ in range(count)]
    for entry in entries:
        entry.pending = 1
    session.enter(parcels(*range(1, count + 1)), [*entries])
    if alone:
        session.acknowledge(Ack(count, 0, list(range(2, count + 1))))
        assert session.stragglers
    failed = Failed(Failure("X", "x"))
    for number in (0, 1, count + 1):
        session.tell(number, failed)
    assert [entry.told for entry in entries[:2]] == [[failed], []]
    session.acknowledge(Ack(count, count))
    session.tell(1, failed)
    assert len(entries[0].told) == 1, "what is finished is told nothing"


def test_an_outcome_that_comes_while_consume_goes_on_is_told_when_that_ends_and_before_the_event_is_finished() -> None:
    session, failed = Session(), Failed(Failure("X", "x"))
    event = arrived(7, None, pending=1)
    event.tell(failed)
    ledger.settle(event)
    assert (session.told, event.pending) == ([], 1), "what was told early is waited for"
    event.session = session
    event.tell_early()
    assert (session.told, session.closed) == ([(7, failed)], [7])
