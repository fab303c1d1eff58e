"""What a receiver does with messages that are no good, and with sessions. Without sockets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit.edge import wire
from actorkit.edge.admission import MAX_STRANGERS, MAX_STRIKES, Admission
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.receiver import Receiver
from actorkit.event.parcel import Parcel, Waiter

PARCEL = Parcel(1, 1, "b", b"", b"")

#: Text that is not UTF-8: the letter, a parcel's format. And arrays in arrays in arrays where nothing is expected.
UNREADABLE = [
    b"\x91\xa1\x80",
    b"\x94\xa1B\x01\x91\x95\x01\x00\xa1\xff\xc4\x00\xc4\x00\xc2",
    b"\x99\xa1B\x01\x90\xc2" + b"\x91" * 100_000,
]


def receiver(max_sessions: int = 4096, max_acked_above: int = 1024) -> Receiver:
    return Receiver("t", "down", "down-1", max_sessions=max_sessions, max_acked_above=max_acked_above)


def hello(instance: str = "up-1", outbox: str = "down", version: int = wire.VERSION, topology: str = "t") -> bytes:
    return wire.encode(wire.Hello(version, topology, "up", instance, outbox, "up", 4))


def replies(made: Receiver) -> list[wire.FromReceiver]:
    made.write_acks()
    found = [wire.decode_from_receiver(frame) for _, frame in made.replies]
    made.replies.clear()
    return found


def batch(first: int, count: int = 1) -> bytes:
    return wire.encode(wire.Outgoing(first, [PARCEL] * count))


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([b""], "malformed"),
        ([b"\xc1"], "malformed"),
        ([wire.encode(["A", 1, 1, []])], "malformed"),
        ([wire.encode(["B", 1, [[-1, 0, "b", b"", b""]]])], "malformed"),
        ([wire.encode(["B", 1, [[1, -1, "b", b"", b""]]])], "malformed"),
        *(([frame], "malformed") for frame in UNREADABLE),
        ([wire.encode(["B", 1, [[1, 1, "b", b"", b"", None, False, "", 7, 7, 7, None]]])], "malformed"),
        ([batch(1)], "stranger"),
        ([hello(version=99)], "version"),
        ([hello(topology="other")], "topology"),
        ([hello(), batch(2)], "gap"),
        ([hello(), batch(1, 0)], "gap"),
        ([hello(), batch(1), batch(1)], "gap"),
        ([hello(), batch(1, 5)], "overrun"),
        ([hello(), batch(1, 4), batch(5)], "overrun"),
    ],
)
def test_what_is_no_good_is_refused_and_counted_and_ends_the_session(frames: list[bytes], reason: str) -> None:
    made = receiver()
    for frame in frames:
        made.on_frame(b"1", frame)
    assert made.rejected == {reason: 1}
    last = replies(made)[-1]
    assert isinstance(last, wire.Refuse)
    assert last.reason.startswith(f"{reason}: ")
    assert not made.sessions


def test_nothing_on_the_wire_reaches_what_is_the_receivers_own() -> None:
    made = receiver()
    made.on_frame(b"1", hello())
    for extra in ([5], [5, 5], [5, 5, 5], [5, 5, 5, None], [None, None, None, None]):
        made.on_frame(b"1", wire.encode(["B", 1, [[1, 1, "b", b"", b"", None, False, *extra]]]))
        assert not made.deliveries
        made.on_frame(b"1", hello())


@given(st.lists(st.binary(max_size=60) | st.sampled_from([hello(), batch(1), batch(2), wire.encode(wire.Bye())])))
def test_no_frames_raise_anything(frames: list[bytes]) -> None:
    made = receiver()
    for frame in frames:
        made.on_frame(b"1", frame)
    replies(made)


def test_a_sender_that_comes_back_has_one_session() -> None:
    made = receiver()
    for number in range(5):
        made.on_frame(b"%d" % number, hello())
    made.on_frame(b"other", hello(outbox="copy"))
    assert set(made.sessions) == {b"4", b"other"}


def unfinished(made: Receiver, identity: bytes) -> None:
    """Have something unfinished in a session."""
    made.on_frame(identity, batch(1))


def test_when_there_are_too_many_sessions_the_dead_ones_are_found_out() -> None:
    made = receiver(max_sessions=10)
    for number in range(10):
        made.on_frame(b"%d" % number, hello(f"up-{number}"))
        unfinished(made, b"%d" % number)
    made.replies.clear()
    made.on_frame(b"one more", hello("late"))
    made.write_acks()
    written = [identity for identity, _ in made.replies]
    assert made.rejected == {"crowded": 1}
    assert len(written) == 11
    made.gone(b"7")
    made.on_frame(b"again", hello("late"))
    assert b"again" in made.sessions


def test_sessions_that_somebody_only_holds_open_keep_nobody_out() -> None:
    made = receiver(max_sessions=10)
    made.on_frame(b"busy", hello("busy"))
    unfinished(made, b"busy")
    for number in range(50):
        made.on_frame(b"%d" % number, hello(f"stranger-{number}"))
    made.replies.clear()
    made.on_frame(b"late", hello("late"))
    assert len(made.sessions) == 10
    assert {b"busy", b"late"} < made.sessions.keys()
    assert [identity for identity, _ in made.replies] == [b"41", b"late"]
    assert replies(made) == [
        wire.Refuse("crowded: another sender needs the place"),
        wire.Welcome(wire.VERSION, "down", "down-1", 4),
    ]


def test_one_instance_has_no_more_sessions_than_boxes_make_sense() -> None:
    made = Receiver("t", "down", "down-1", admission=Admission(max_peer_sessions=3))
    for number in range(5):
        made.on_frame(b"%d" % number, hello(outbox=f"out-{number}"))
    made.on_frame(b"other", hello("up-2"))
    assert set(made.sessions) == {b"0", b"1", b"2", b"other"}
    assert made.rejected == {"crowded": 2}
    made.on_frame(b"0", wire.encode(wire.Bye()))
    made.on_frame(b"9", hello(outbox="out-9"))
    assert set(made.sessions) == {b"1", b"2", b"9", b"other"}


def test_junk_is_answered_once_and_who_sends_nothing_else_is_shut_out() -> None:
    made = receiver()
    for _ in range(100):
        made.on_frame(b"1", b"junk")
    assert [type(reply) for reply in replies(made)] == [wire.Refuse]
    assert made.rejected == {"malformed": MAX_STRIKES, "shut-out": 100 - MAX_STRIKES}
    made.on_frame(b"1", hello())
    assert not made.sessions
    made.on_frame(b"2", hello())
    assert set(made.sessions) == {b"2"}


def test_a_sender_that_begins_anew_is_told_again_what_was_no_good() -> None:
    made = receiver()
    made.on_frame(b"1", b"junk")
    made.on_frame(b"1", hello())
    made.on_frame(b"1", batch(7))
    assert [type(reply) for reply in replies(made)] == [wire.Refuse, wire.Welcome, wire.Refuse]


def test_strangers_are_not_remembered_without_end() -> None:
    admission = Admission()
    made = Receiver("t", "down", "down-1", admission=admission)
    for number in range(MAX_STRANGERS + 100):
        made.on_frame(b"%d" % number, b"junk")
    assert len(admission.strikes) == MAX_STRANGERS


def test_names_without_end_make_no_labels_without_end() -> None:
    made = Receiver("t", "down", "down-1", admission=Admission(max_labels=2))
    for number in range(5):
        name = wire.encode(wire.Hello(wire.VERSION, "t", "up", "up-1", "out", f"in-{number}", 4))
        made.on_frame(b"%d" % number, name)
        made.on_frame(b"%d" % number, batch(1))
    assert made.inboxes == {"in-0": 1, "in-1": 1, "other": 3}
    assert [session.inbox for session in made.sessions.values()] == [f"in-{number}" for number in range(5)]
    made.on_frame(b"long", wire.encode(wire.Hello(wire.VERSION, "t", "up", "up-1", "out", "i" * 201, 4)))
    assert made.rejected == {"malformed": 1}


def test_a_window_is_granted_up_to_the_widest() -> None:
    made = receiver()
    made.on_frame(b"1", wire.encode(wire.Hello(wire.VERSION, "t", "up", "up-1", "out", "up", 1 << 40)))
    assert replies(made) == [wire.Welcome(wire.VERSION, "down", "down-1", wire.MAX_WINDOW)]


def test_what_a_peer_does_not_read_waits_in_one_message() -> None:
    made = receiver()
    made.on_frame(b"1", hello())
    session = made.sessions[b"1"]
    replies(made)
    made.stuck(b"1")
    for number in range(1, 5):
        session.consume(1)
        session.finish(number)
        assert replies(made) == []
        assert not made.has_news
    made.reads_again(b"1")
    assert replies(made) == [wire.Ack(4, 4)]


def test_a_stranger_does_not_hold_up_an_instance_that_drains() -> None:
    made = receiver()
    made.on_frame(b"1", hello())
    made.on_frame(b"1", wire.encode(wire.Stay()))
    made.on_frame(b"2", wire.encode(wire.Stay()))
    assert made.stays == 1
    made.on_frame(b"1", wire.encode(wire.Stay(False, False)))
    assert made.stays == 1, "one that only says that it sends nothing more needs nobody"


def told(session: ReceiveSession) -> tuple[int, list[int]]:
    ack = session.take_ack()
    return ack.ack_floor, ack.acked_above


def test_numbers_that_finish_late_are_set_aside_and_told_when_they_are_finished() -> None:
    made = receiver(max_acked_above=2)
    made.on_frame(b"1", hello())
    session = made.sessions[b"1"]
    for number in (2, 4, 6):
        session.finish(number)
    assert told(session) == (0, [2, 4, 6])
    assert (session.stragglers, session.acked_above, session.in_order) == ({1}, {4, 6}, False)
    session.finish(3)
    session.finish_run(7, [wire.Delivery(7, 7, "n", b"", b"")])
    assert told(session) == (0, [3, 7])
    assert (session.stragglers, session.ack_floor) == ({1}, 4)
    session.finish(1)
    assert told(session) == (4, [])
    session.finish(5)
    assert told(session) == (7, [])
    assert session.in_order
    session.finish_run(8, [wire.Delivery(8, 8, "n", b"", b"")])
    assert told(session) == (8, [])


def test_a_number_that_finishes_in_order_behind_one_that_is_set_aside_is_told() -> None:
    made = receiver(max_acked_above=0)
    made.on_frame(b"1", hello())
    session = made.sessions[b"1"]
    session.finish(2)
    assert (session.stragglers, session.acked_above, told(session)) == ({1}, set(), (0, [2]))
    session.finish_run(3, [wire.Delivery(3, 3, "n", b"", b""), wire.Delivery(4, 4, "n", b"", b"")])
    assert told(session) == (0, [3, 4])


def opened(made: Receiver, session: ReceiveSession, first: int, count: int) -> list[wire.Delivery]:
    """Events that were consumed and wait for something."""
    made.on_frame(session.identity, batch(first, count))
    _, _, parcels, _ = made.deliveries.pop()
    for number, parcel in enumerate(parcels, first):
        parcel.number, parcel.session, parcel.pending = number, session, 1
    session.consume(count)
    return parcels


def test_events_that_end_together_are_finished_in_any_order() -> None:
    made = receiver()
    made.on_frame(b"1", hello())
    session = made.sessions[b"1"]
    parcels = opened(made, session, 1, 4)
    session.close([parcels[0], parcels[3], parcels[2]])
    assert told(session) == (1, [4, 3])
    assert [session.is_finished(number) for number in range(1, 5)] == [True, False, True, True]
    session.close([parcels[1]])
    assert told(session) == (4, [])
    session.close(opened(made, session, 5, 3))
    assert told(session) == (7, [])


def test_what_a_sender_that_is_gone_had_sent_is_in_work_until_it_is_finished() -> None:
    made = receiver()
    made.on_frame(b"1", hello())
    made.on_frame(b"2", hello("up-2"))
    session = made.sessions[b"1"]
    parcels = opened(made, session, 1, 2)
    made.on_frame(b"2", batch(1, 3))
    assert made.in_work == 2
    assert not made.idle
    made.gone(b"1")
    made.deliveries.clear()
    made.sessions[b"2"].finish_run(1, [wire.Delivery(1, 1, "n", b"", b"") for _ in range(3)])
    assert made.in_work == 2
    session.close(parcels)
    assert made.in_work == 0
    assert made.idle


def large(first: int, size: int, reply_to: dict[str, Waiter] | None = None) -> bytes:
    return wire.encode(wire.Outgoing(first, [Parcel(first, 1, "b", b"x" * size, b"", reply_to)]))


def test_a_message_for_which_there_is_no_room_waits_at_its_sender_until_what_came_before_is_consumed() -> None:
    made = Receiver("t", "down", "down-1", max_bytes=100_000)
    for identity in (b"1", b"2"):
        made.on_frame(identity, hello(identity.decode()))
    made.on_frame(b"1", large(1, 200_000))
    assert len(made.deliveries) == 1, "one that fits by itself never is always let in, alone"
    made.on_frame(b"2", large(1, 6000))
    made.on_frame(b"1", batch(2))
    assert made.rejected == {"full": 1}, "what is small is bounded by the window"
    assert [type(one) for one in replies(made)][-1] is wire.Refuse
    assert set(made.sessions) == {b"1"}


def test_who_consumes_may_wait_for_an_answer_that_finds_room() -> None:
    made = Receiver("t", "down", "down-1", max_bytes=100_000)
    made.on_frame(b"1", hello())
    made.on_frame(b"1", large(1, 90_000))
    made.on_frame(b"1", large(2, 50_000, {"down": Waiter("down-1", b"key")}))
    assert made.rejected == {}
    made.on_frame(b"1", large(3, 90_000, {"down": Waiter("down-1", b"key")}))
    assert made.rejected == {"full": 1}, "within bounds"


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_consumed_makes_room_also_when_its_session_is_no_more(lost: bool) -> None:
    made = Receiver("t", "down", "down-1", max_bytes=100_000)
    made.on_frame(b"1", hello())
    made.on_frame(b"1", large(1, 60_000))
    if lost:
        made.gone(b"1")
    session, _, parcels, _ = made.deliveries.popleft()
    session.consume(len(parcels))
    made.on_frame(b"2", hello("up-2"))
    made.on_frame(b"2", large(1, 90_000))
    assert made.rejected == {}
    assert len(made.deliveries) == 1
