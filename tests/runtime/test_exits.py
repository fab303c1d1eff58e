"""What leaves an actor: its name, and the trail of the actors that it came through."""

from __future__ import annotations

import msgspec
import pytest

from actorkit import Event
from actorkit.exits import Exits
from actorkit.ledger import Root
from actorkit.producer import MAX_UNFINISHED_BYTES, Room
from actorkit.sender import Sender
from actorkit.settings import Peers
from actorkit.turn import Turn
from actorkit.wire import MAX_TRAIL, Arrived, Parcel


def exits_of(actor: str) -> tuple[Exits, Sender]:
    sender = Sender("t", actor, f"{actor}-1", "out", Peers(("tcp://a:1",), "in"))
    return Exits(actor, {"out": [sender]}, (), Turn(lambda: None), lambda *_: None), sender


def arrived(parcel: Parcel) -> Event:
    return Event.received(msgspec.convert(msgspec.to_builtins(parcel), Arrived))


def test_an_event_that_was_asked_for_its_trace_keeps_it_when_it_is_sent() -> None:
    exits, sender = exits_of("a")
    asked, fresh = Event(b"x"), Event(b"y")
    trace = asked.trace
    for event in (asked, fresh, fresh):
        exits.originate(event, [sender], lambda: None)
    parcels = list(sender.pending)
    first, _, third = (arrived(parcel) for parcel in parcels)
    assert first.trace == trace == asked.trace
    assert third.trace == fresh.trace
    assert len({parcel.id for parcel in parcels}) == 3


def test_an_event_that_all_began_with_names_no_trace_and_all_it_becomes_names_that_event() -> None:
    exits, sender = exits_of("a")
    exits.originate(Event(b"x"), [sender], lambda: None)
    first = sender.pending.pop()
    assert first.trace == 0

    event = arrived(first)
    exits.emit_result([event, event.replace(b"y"), Event(b"z")], event)
    kept, replaced, new = sender.pending
    assert {kept.trace, replaced.trace, new.trace} == {first.id}
    assert {arrived(parcel).trace for parcel in sender.pending} == {event.trace}

    entry = arrived(kept).origin
    assert isinstance(entry, Arrived)
    sender.pending.clear()
    exits.passing.append(entry)
    exits.pass_on()
    assert sender.pending.pop().trace == first.id


def test_copies_of_a_new_event_for_several_outboxes_share_its_trace() -> None:
    exits, one = exits_of("a")
    _, other = exits_of("a")
    event = Event(b"x")
    exits.originate(event, [one, other], lambda: None)
    assert {one.pending[0].trace, other.pending[0].trace} == {event.number}


def test_an_event_knows_the_actors_that_it_came_through() -> None:
    event = Event(b"x")
    assert event.trail == ()
    for actor in ("web", "auth", "to-order"):
        exits, sender = exits_of(actor)
        if event.origin is None:
            exits.originate(event, [sender], lambda: None)
        else:
            exits.emit_result(event, event)
        event = arrived(sender.pending.pop())
    assert event.trail == ("web", "auth", "to-order")
    assert event.replace(b"y").trail == event.trail


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("came", "goes"), [("", "a"), ("web", "web/a"), ("web/auth", "web/auth/a")])
def test_the_trail_is_the_same_for_one_event_and_for_many_together(together: bool, came: str, goes: str) -> None:
    exits, sender = exits_of("a")
    for trail in (came, "elsewhere", came):
        event = arrived(Parcel(1, 0, "b", b"x", b"", trail=trail))
        assert isinstance(event.origin, Arrived)
        if together:
            exits.passing.append(event.origin)
        else:
            exits.emit_result(event, event)
    if together:
        exits.pass_on()
    assert [parcel.trail for parcel in sender.pending] == [goes, "elsewhere/a", goes]


def test_an_event_that_goes_in_circles_forgets_the_beginning_of_its_trail() -> None:
    exits, sender = exits_of("round")
    exits.originate(Event(b"x"), [sender], lambda: None)
    for _ in range(1000):
        event = arrived(sender.pending.pop())
        exits.emit_result(event, event)
    trail = sender.pending[0].trail
    assert len(trail) == MAX_TRAIL
    assert trail.endswith("/round/round")


def test_one_entry_waits_for_all_events_until_another_one_waits_for_some() -> None:
    exits, sender = exits_of("source")
    sender.claim(exits.source)
    for _ in range(3):
        exits.begin(Event(b"x"), [sender], exits.source)
    assert (sender.sole, len(sender.entries), exits.roots) == (exits.source, 0, 3)
    other = Root(lambda: None)
    exits.begin(Event(b"y"), [sender], other)
    assert (sender.sole, list(sender.entries)) == (None, [exits.source] * 3 + [other])


def test_a_source_of_long_events_holds_few_of_them_also_while_nobody_takes_any() -> None:
    exits, sender = exits_of("source")
    room = Room(exits, 16_384)
    room.look()
    assert room.window == 16_384
    for _ in range(5):
        exits.begin(Event(b"x" * 100_000), [sender], exits.source)
    room.look()
    assert room.window == MAX_UNFINISHED_BYTES // 100_000


def test_what_goes_nowhere_is_counted_and_not_written() -> None:
    exits, _ = exits_of("a")
    parent = arrived(Event(b"x").parcel())
    exits.emit(parent.replace(object()), (), parent)
    assert exits.dropped == {"unconnected": 1}


def test_events_that_pass_together_leave_as_those_that_are_sent_one_by_one() -> None:
    left: list[list[Parcel]] = []
    for together in (True, False):
        senders = [Sender("t", "a", "a-1", f"out-{n}", Peers(("tcp://a:1",), "in"), n) for n in range(2)]
        exits = Exits("a", {s.outbox: [s] for s in senders}, (), Turn(lambda: None), lambda *_: None)
        parcels = [
            Parcel(1, 1, "b", b"x", b"", None, False, "web"),
            Parcel(2, 1, "b", b"y", b"\x90", {"web": ("web-1", b"k")}, False, "web/auth"),
            Parcel(3, 1, "n", b"", b"", None, True, "web"),
        ]
        events = [arrived(parcel) for parcel in parcels]
        entries = [event.origin for event in events if isinstance(event.origin, Arrived)]
        if together:
            for entry in entries:
                entry.pending += len(senders)
            exits.passing.extend(entries)
            exits.pass_on()
        else:
            for event in events:
                exits.emit_result(event, event)
        left.append([parcel for sender in senders for parcel in sender.pending])
        assert [list(sender.entries) for sender in senders] == [entries, entries]
        assert [entry.pending for entry in entries] == [entry.ordinal for entry in entries] == [2, 2, 2]
        assert all(sender.marked and sender.homeward for sender in senders)
    assert left[0] == left[1]
    assert [parcel.trail for parcel in left[0][:3]] == ["web/a", "web/auth/a", "web/a"]
    assert len({parcel.id for parcel in left[0]}) == 6


@pytest.mark.parametrize("marked", [False, True])
def test_a_connection_notices_the_first_marked_event_that_passes(marked: bool) -> None:
    exits, sender = exits_of("a")
    exits.passing.append(Arrived(1, 1, "n", b"", b"", None, marked))
    exits.pass_on()
    assert (sender.marked, sender.homeward) == (marked, False)


def test_what_is_sent_does_not_overtake_what_passes() -> None:
    exits, sender = exits_of("a")
    first, second = arrived(Event(b"1").parcel()), arrived(Event(b"2").parcel())
    assert isinstance(first.origin, Arrived)
    first.origin.pending += 1
    exits.passing.append(first.origin)
    exits.emit_result(second.replace(b"3"), second)
    assert [parcel.body for parcel in sender.pending] == [b"1", b"3"]
