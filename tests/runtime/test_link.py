"""A link's ledger: what is acknowledged, in any order, with one entry for all events or one for each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from actorkit import ledger
from actorkit.link import MAX_HOLES, Link
from actorkit.wire import Ack, Arrived, Parcel


class Entry:
    def __init__(self) -> None:
        self.pending = 0
        self.finished = 0

    def done(self) -> None:
        self.finished += 1


def parcels(*ids: int) -> list[Parcel]:
    return [Parcel(id_, id_, "n", b"", b"") for id_ in ids]


class Session:
    """Notes the numbers that are finished."""

    def __init__(self) -> None:
        self.closed: list[int] = []

    def close(self, parcels: Sequence[Arrived]) -> None:
        self.closed += [parcel.number for parcel in parcels]


def arrived(number: int, session: Session | None, pending: int = 1) -> Arrived:
    """An event that waits for `pending` others; its consume goes on where the session is None."""
    made = Arrived(number, number, "n", b"", b"")
    made.number, made.session, made.pending = number, session, pending
    return made


def alone(*ids: int) -> tuple[Link, Entry]:
    """A link with one entry for all events."""
    entry = Entry()
    entry.pending = 1 + len(ids)
    link = Link("tcp://a:1", entry)
    link.enter(parcels(*ids), [])
    return link, entry


def unacknowledged(link: Link) -> list[int]:
    return [parcel.id for parcel, _ in link.ledger]


def test_one_entry_is_told_how_many_are_finished_whatever_their_order() -> None:
    link, entry = alone(1, 2, 3, 4, 5)
    link.acknowledge(Ack(5, 0, [2, 4, 4]))
    assert (entry.pending, link.unacked, unacknowledged(link)) == (4, 3, [1, 3, 5])
    link.acknowledge(Ack(5, 3, []))
    assert (entry.pending, link.unacked, unacknowledged(link)) == (2, 1, [5])
    link.acknowledge(Ack(5, 5, []))
    assert (entry.pending, entry.finished, link.unacked) == (1, 0, 0)


@pytest.mark.parametrize("upto", [0, 1, 3])
def test_a_ledger_that_is_shared_from_now_on_keeps_its_count(upto: int) -> None:
    link, entry = alone(1, 2, 3, 4)
    link.acknowledge(Ack(4, 0, [2]))
    link.share()
    other = Entry()
    other.pending = 1
    link.enter(parcels(5), [other])
    link.acknowledge(Ack(5, upto, []))
    link.acknowledge(Ack(5, upto, [4]))
    link.acknowledge(Ack(5, 4, []))
    assert (entry.pending, other.pending, unacknowledged(link)) == (1, 1, [5])
    link.acknowledge(Ack(5, 5, []))
    assert (entry.pending, entry.finished, other.finished) == (1, 0, 1)


def test_what_was_never_sent_is_not_acknowledged() -> None:
    link, entry = alone(1, 2)
    link.acknowledge(Ack(9, 1, [7]))
    assert (link.consumed, entry.pending, unacknowledged(link)) == (2, 2, [2])


def test_what_is_taken_back_is_what_was_not_acknowledged() -> None:
    link, entry = alone(1, 2, 3)
    link.acknowledge(Ack(0, 0, [2]))
    assert [(parcel.id, one) for parcel, one in link.take_back()] == [(1, entry), (3, entry)]
    assert (link.unacked, link.ledger) == (0, [])


@pytest.mark.parametrize("shared", [False, True])
def test_an_event_that_finishes_late_does_not_keep_those_behind_it(shared: bool) -> None:
    link, entry = alone(*range(1, 5001))
    if shared:
        link.share()
    for number in range(2, 5001):
        link.acknowledge(Ack(5000, 0, [number]))
    assert (entry.pending, link.unacked, unacknowledged(link)) == (2, 1, [1])
    assert len(link._parcels) <= MAX_HOLES
    link.acknowledge(Ack(5000, 5000, []))
    assert (entry.pending, link.unacked) == (1, 0)


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
    link = Link("tcp://a:1")
    link.enter(parcels(*range(1, 8)), entries)
    link.acknowledge(Ack(7, 7, []))
    assert (one.closed, two.closed, other.finished) == ([1, 2, 4], [1], 1)
    assert [entry.pending for entry in entries] == [0, 0, 1, 0, 0, 0, 0]
