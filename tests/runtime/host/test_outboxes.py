"""What leaves an actor: its name, and the trail of the actors that it came through."""

from __future__ import annotations

import msgspec
import pytest

from actorkit import Event
from actorkit.edge.ledger import Root
from actorkit.edge.peers import Peers
from actorkit.edge.sender import Sender
from actorkit.edge.wire import Delivery
from actorkit.event.parcel import MAX_TRAIL, Parcel, Waiter
from actorkit.host.flush import FlushOnce
from actorkit.host.outboxes import Outboxes
from actorkit.host.producer import MAX_UNFINISHED_BYTES, SourceWindow


def outboxes_of(actor: str) -> tuple[Outboxes, Sender]:
    sender = Sender("t", actor, f"{actor}-1", "out", Peers(("tcp://a:1",), "in"))
    return Outboxes(actor, {"out": [sender]}, (), FlushOnce(lambda: None), lambda *_: None), sender


def arrived(parcel: Parcel) -> Event:
    return Event.received(msgspec.convert(msgspec.to_builtins(parcel), Delivery))


def test_an_event_that_was_asked_for_its_trace_keeps_it_when_it_is_sent() -> None:
    outboxes, sender = outboxes_of("a")
    asked, fresh = Event(b"x"), Event(b"y")
    trace = asked.trace
    for event in (asked, fresh, fresh):
        outboxes.emit_root(event, [sender], lambda: None)
    parcels = list(sender.pending)
    first, _, third = (arrived(parcel) for parcel in parcels)
    assert first.trace == trace == asked.trace
    assert third.trace == fresh.trace
    assert len({parcel.id for parcel in parcels}) == 3


def test_an_event_that_all_began_with_names_no_trace_and_all_it_becomes_names_that_event() -> None:
    outboxes, sender = outboxes_of("a")
    outboxes.emit_root(Event(b"x"), [sender], lambda: None)
    first = sender.pending.pop()
    assert first.trace == 0

    event = arrived(first)
    outboxes.emit_result([event, event.replace(b"y"), Event(b"z")], event)
    kept, replaced, new = sender.pending
    assert {kept.trace, replaced.trace, new.trace} == {first.id}
    assert {arrived(parcel).trace for parcel in sender.pending} == {event.trace}

    entry = arrived(kept).origin
    assert isinstance(entry, Delivery)
    sender.pending.clear()
    outboxes.forwarding.append(entry)
    outboxes.forward()
    assert sender.pending.pop().trace == first.id


def test_copies_of_a_new_event_for_several_outboxes_share_its_trace() -> None:
    outboxes, one = outboxes_of("a")
    _, other = outboxes_of("a")
    event = Event(b"x")
    outboxes.emit_root(event, [one, other], lambda: None)
    assert {one.pending[0].trace, other.pending[0].trace} == {event.number}


def test_an_event_knows_the_actors_that_it_came_through() -> None:
    event = Event(b"x")
    assert event.trail == ()
    for actor in ("web", "auth", "to-order"):
        outboxes, sender = outboxes_of(actor)
        if event.origin is None:
            outboxes.emit_root(event, [sender], lambda: None)
        else:
            outboxes.emit_result(event, event)
        event = arrived(sender.pending.pop())
    assert event.trail == ("web", "auth", "to-order")
    assert event.replace(b"y").trail == event.trail


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("came", "goes"), [("", "a"), ("web", "web/a"), ("web/auth", "web/auth/a")])
def test_the_trail_is_the_same_for_one_event_and_for_many_together(together: bool, came: str, goes: str) -> None:
    outboxes, sender = outboxes_of("a")
    for trail in (came, "elsewhere", came):
        event = arrived(Parcel(1, 0, "b", b"x", b"", trail=trail))
        assert isinstance(event.origin, Delivery)
        if together:
            outboxes.forwarding.append(event.origin)
        else:
            outboxes.emit_result(event, event)
    if together:
        outboxes.forward()
    assert [parcel.trail for parcel in sender.pending] == [goes, "elsewhere/a", goes]


def test_an_event_that_goes_in_circles_forgets_the_beginning_of_its_trail_and_the_log_tells_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outboxes, sender = outboxes_of("round")
    outboxes.emit_root(Event(b"x"), [sender], lambda: None)
    for _ in range(1000):
        event = arrived(sender.pending.pop())
        outboxes.emit_result(event, event)
    trail = sender.pending[0].trail
    assert len(trail) == MAX_TRAIL
    assert trail.endswith("/round/round")
    (record,) = caplog.records
    assert "goes round for ever" in record.getMessage()


def test_one_entry_waits_for_all_events_until_another_one_waits_for_some() -> None:
    outboxes, sender = outboxes_of("source")
    sender.share_entry(outboxes.source)
    for _ in range(3):
        outboxes.emit_entry(Event(b"x"), [sender], outboxes.source)
    assert (sender.shared_entry, len(sender.entries), outboxes.roots) == (outboxes.source, 0, 3)
    other = Root(lambda: None)
    outboxes.emit_entry(Event(b"y"), [sender], other)
    assert (sender.shared_entry, list(sender.entries)) == (None, [outboxes.source] * 3 + [other])


def test_a_source_of_long_events_holds_few_of_them_also_while_nobody_takes_any() -> None:
    outboxes, sender = outboxes_of("source")
    room = SourceWindow(outboxes, 16_384)
    room.recheck()
    assert room.window == 16_384
    for _ in range(5):
        outboxes.emit_entry(Event(b"x" * 100_000), [sender], outboxes.source)
    room.recheck()
    assert room.window == MAX_UNFINISHED_BYTES // 100_000


def test_what_goes_nowhere_is_counted_and_not_written() -> None:
    outboxes, _ = outboxes_of("a")
    parent = arrived(Event(b"x").parcel())
    outboxes.emit(parent.replace(object()), (), parent)
    assert outboxes.dropped == {"unconnected": 1}


def test_events_that_pass_together_leave_as_those_that_are_sent_one_by_one() -> None:
    left: list[list[Parcel]] = []
    for together in (True, False):
        senders = [Sender("t", "a", "a-1", f"out-{n}", Peers(("tcp://a:1",), "in"), n) for n in range(2)]
        outboxes = Outboxes("a", {s.outbox: [s] for s in senders}, (), FlushOnce(lambda: None), lambda *_: None)
        parcels = [
            Parcel(1, 1, "b", b"x", b"", None, False, "web"),
            Parcel(2, 1, "b", b"y", b"\x90", {"web": Waiter("web-1", b"k")}, False, "web/auth"),
            Parcel(3, 1, "n", b"", b"", None, True, "web"),
        ]
        events = [arrived(parcel) for parcel in parcels]
        entries = [event.origin for event in events if isinstance(event.origin, Delivery)]
        if together:
            for entry in entries:
                entry.pending += len(senders)
            outboxes.forwarding.extend(entries)
            outboxes.forward()
        else:
            for event in events:
                outboxes.emit_result(event, event)
        left.append([parcel for sender in senders for parcel in sender.pending])
        assert [list(sender.entries) for sender in senders] == [entries, entries]
        assert [entry.pending for entry in entries] == [entry.ordinal for entry in entries] == [2, 2, 2]
        assert all(sender.redelivered and sender.has_replies for sender in senders)
    assert left[0] == left[1]
    assert [parcel.trail for parcel in left[0][:3]] == ["web/a", "web/auth/a", "web/a"]
    assert len({parcel.id for parcel in left[0]}) == 6


@pytest.mark.parametrize("redelivered", [False, True])
def test_a_connection_notices_the_first_marked_event_that_passes(redelivered: bool) -> None:
    outboxes, sender = outboxes_of("a")
    outboxes.forwarding.append(Delivery(1, 1, "n", b"", b"", None, redelivered))
    outboxes.forward()
    assert (sender.redelivered, sender.has_replies) == (redelivered, False)


def test_what_is_sent_does_not_overtake_what_passes() -> None:
    outboxes, sender = outboxes_of("a")
    first, second = arrived(Event(b"1").parcel()), arrived(Event(b"2").parcel())
    assert isinstance(first.origin, Delivery)
    first.origin.pending += 1
    outboxes.forwarding.append(first.origin)
    outboxes.emit_result(second.replace(b"3"), second)
    assert [parcel.body for parcel in sender.pending] == [b"1", b"3"]
