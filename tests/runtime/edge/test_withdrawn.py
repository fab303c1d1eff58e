"""Requests that were given up: an event is late when everybody who waited for it has given up, and not before."""

from __future__ import annotations

from collections.abc import Sequence

from actorkit import JSONEvent
from actorkit.edge import wire
from actorkit.edge.sender import Sender
from actorkit.edge.withdrawn import MAX_WITHDRAWN, Withdrawn
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel, Waiter
from actorkit.graph import Options
from tests.runtime.edge.sending import Entry, put, sender, welcome


def asked(**keys: bytes) -> Parcel:
    """An event that is waited for at these actors."""
    reply_to = {actor: Waiter(f"{actor}-1", key, 90_000) for actor, key in keys.items()}
    return Parcel(new_id(), 1, "j", b'{"key": ""}', b"", reply_to)


def given_up(made: Sender) -> list[tuple[str, list[bytes]]]:
    """Which peers are told of which keys."""
    found = [(session.instance, wire.decode_from_sender(frame)) for session, frame in made.frames]
    return [(instance, message.keys) for instance, message in found if isinstance(message, wire.Withdraw)]


def test_an_event_is_late_when_all_who_waited_for_it_have_given_up() -> None:
    withdrawn, one, both = Withdrawn(), asked(web=b"1"), asked(web=b"1", mid=b"2")
    assert not withdrawn.is_late(one, 1000)
    withdrawn.hear([b"1"])
    assert withdrawn.is_late(one, 1000)
    assert not withdrawn.is_late(both, 1000), "mid has begun on it, and waits"
    withdrawn.hear([b"2"])
    assert withdrawn.is_late(both, 1000)
    assert not withdrawn.is_late(asked(web=b"3"), 1000)
    assert not withdrawn.is_late(Parcel(1, 0, "n", b"", b""), 1000)


def test_who_wants_it_finished_in_any_case_is_not_hurried() -> None:
    withdrawn, parcel = Withdrawn(), asked(web=b"1", mid=b"2")
    assert parcel.reply_to is not None
    parcel.reply_to["mid"].deadline_ms = None
    withdrawn.hear([b"1"])
    assert not withdrawn.is_late(parcel, 1000)


def test_a_key_is_passed_on_once_and_the_oldest_are_forgotten() -> None:
    passed: list[Sequence[bytes]] = []
    withdrawn = Withdrawn(passed.append)
    withdrawn.hear([b"a", b"b"])
    withdrawn.hear([b"b", b"c"])
    withdrawn.hear([b"a"])
    assert passed == [[b"a", b"b"], [b"c"]]
    withdrawn.hear([b"%d" % number for number in range(MAX_WITHDRAWN)])
    assert not withdrawn.is_late(asked(web=b"a"), 1000)
    assert withdrawn.is_late(asked(web=b"%d" % (MAX_WITHDRAWN - 1)), 1000)


def test_every_peer_is_told_and_what_waits_for_one_is_dropped() -> None:
    made = sender(Options(window=1))
    welcome(made, "tcp://a:1")
    welcome(made, "tcp://b:1")
    made.open("tcp://c:1")
    made.frames.clear()
    put(made, 2)
    made.dispatch(1.0)
    mine, others, waited = Entry(), Entry(), Entry()
    for parcel, entry in (
        (asked(up=b"1", web=b"2"), mine),
        (asked(web=b"1"), others),
        (asked(web=b"1", mid=b"2"), waited),
    ):
        made.put(parcel, entry, JSONEvent())
    made.frames.clear()
    made.give_up([b"1"])
    assert given_up(made) == [("tcp://a:1", [b"1"]), ("tcp://b:1", [b"1"])], "c has not been met"
    assert (mine.finished, others.finished, waited.finished, made.backlog) == (1, 1, 0, 1)
