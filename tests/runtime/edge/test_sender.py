"""What a connection sends to which peer: batches, answers, deadlines, turns. Without sockets."""

from __future__ import annotations

import pytest

from actorkit import JSONEvent
from actorkit.edge import wire
from actorkit.edge.outcome import Answer, Failed
from actorkit.edge.receiver import Receiver
from actorkit.edge.sender import WINDOW_BYTES, Sender
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel, Waiter
from actorkit.graph import Options
from tests.runtime.edge.sending import Entry, acknowledge, put, sender, sent, welcome


@pytest.mark.parametrize("frame", [b"", b"\xc1", b"\x91\xa1\x80", b"\x95\xa1A\x01\x01\x90" + b"\x91" * 100_000])
def test_a_peer_that_sends_what_cannot_be_read_is_given_up(frame: bytes) -> None:
    made = sender(Options())
    assert made.on_frame(welcome(made, "tcp://a:1"), frame) == "the peer does not speak this protocol"


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_batch_has_at_most_so_many_events_and_bytes(size: int) -> None:
    made = sender(Options(window=10_000))
    session = welcome(made, "tcp://a:1")
    entry = Entry()
    for _ in range(2000):
        made.put(Parcel(new_id(), 1, "b", b"x" * size, b""), entry, JSONEvent())
    while made.pending:
        made.dispatch(0.0)
        assert session.unacked * size <= WINDOW_BYTES
        acknowledge(made, session)
    lengths = []
    for _, frame in made.frames:
        message = wire.decode_from_sender(frame)
        assert isinstance(message, wire.Batch)
        assert len(message.parcels) == 1 or len(frame) <= wire.MAX_BATCH_BYTES
        lengths.append(len(message.parcels))
    assert sum(lengths) == 2000
    assert max(lengths) == (wire.MAX_BATCH if size == 10 else 2)


def put_long(made: Sender, size: int, count: int, keys: int = 1) -> None:
    for number in range(count):
        event = JSONEvent({"key": number % keys})
        made.put(Parcel(number + 1, 1, "b", b"x" * size, b""), Entry(), event)


@pytest.mark.parametrize("key", ["", "key"])
@pytest.mark.parametrize("size", [300_000, 5 << 20, 20 << 20])
def test_one_sender_of_long_events_stays_within_what_an_inbox_takes(size: int, key: str) -> None:
    made, inbox = sender(Options(key=key)), Receiver("t", "down", "down-1")
    session = made.open("tcp://a:1")
    put_long(made, size, 20, keys=3)
    numbers: list[int] = []
    while not made.idle:
        made.dispatch(0.0)
        frames, made.frames = made.frames, []
        for _, frame in frames:
            inbox.on_frame(b"1", bytes(frame))
        for one, first, parcels, _ in inbox.deliveries:
            numbers += [parcel.id for parcel in parcels]
            one.finish_run(first, parcels)
            one.consume(len(parcels))
        inbox.deliveries.clear()
        inbox.write_acks()
        assert inbox.rejected == {}
        replies, inbox.replies = inbox.replies, []
        for _, reply in replies:
            assert made.on_frame(session, reply) == ""
    assert len(numbers) == 20
    assert numbers == list(range(1, 21)) if not key else sorted(numbers) == list(range(1, 21))
    for rest in range(3):
        of_key = [number for number in numbers if number % 3 == rest]
        assert of_key == sorted(of_key), "in the order of their key"


def test_long_answers_wait_for_credit_and_go_to_who_asked() -> None:
    made = sender(Options())
    first, other = welcome(made, "tcp://a:1"), welcome(made, "tcp://b:1")
    for number in range(6):
        waits = {"down": Waiter("tcp://a:1", b"k")}
        made.put(Parcel(number + 1, 1, "b", b"x" * (5 << 20), b"", waits), Entry(), JSONEvent())
    for number in range(6):
        made.dispatch(0.0)
        assert (first.sent, other.sent) == (number + 1, 0)
        acknowledge(made, first)
    assert made.idle


@pytest.mark.parametrize(
    ("reason", "turned_away"), [("full: later", True), ("crowded: later", True), ("gap: 3", False)]
)
def test_who_is_refused_for_want_of_room_is_turned_away(reason: str, turned_away: bool) -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    assert made.on_frame(session, wire.encode(wire.Refuse(reason))) == f"the peer refuses: {reason}"
    assert session.turned_away is turned_away


def answer(made: Sender, instance: str) -> Entry:
    entry = Entry()
    made.put(Parcel(new_id(), 1, "j", b'{"key": ""}', b"", {"down": Waiter(instance, b"k")}), entry, JSONEvent())
    return entry


def test_an_answer_goes_to_the_instance_that_asked_also_while_that_drains() -> None:
    made = sender(Options())
    sessions = [welcome(made, f"tcp://{name}:1") for name in "ab"]
    sessions[1].draining = True
    for _ in range(5):
        answer(made, "tcp://b:1")
    made.dispatch(0.0)
    assert sent(made) == {"tcp://b:1": [""] * 5}


@pytest.mark.parametrize("how", ["never met", "said goodbye", "lost"])
def test_an_answer_that_no_session_leads_home_goes_up_with_the_acknowledgements(how: str) -> None:
    made = sender(Options())
    welcome(made, "tcp://a:1")
    if how != "never met":
        session = welcome(made, "tcp://b:1")
        session.bye = how == "said goodbye"
    if how == "lost":
        made.lost(session)
    entry = answer(made, "tcp://b:1")
    made.dispatch(10.0)
    assert (made.backlog, entry.pending, entry.finished, made.dropped, sent(made)) == (0, 0, 1, {}, {})
    (told,) = entry.told
    assert isinstance(told, Answer)
    assert (told.actor, told.key, told.parcel.body, told.parcel.reply_to) == ("down", b"k", b'{"key": ""}', None)


def test_an_answer_that_was_on_its_way_to_an_instance_that_dies_goes_up() -> None:
    made = sender(Options())
    welcome(made, "tcp://a:1")
    session = welcome(made, "tcp://b:1")
    entry = answer(made, "tcp://b:1")
    made.dispatch(0.0)
    assert (sent(made), entry.told) == ({"tcp://b:1": [""]}, [])
    made.lost(session)
    made.dispatch(0.0)
    assert [type(told) for told in entry.told] == [Answer]


def test_an_answer_over_a_connection_that_waits_for_nobody_is_counted_and_logged_where_it_has_no_way_home(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = sender(Options(delivery="at-most-once"))
    welcome(made, "tcp://a:1")
    answer(made, "tcp://b:1")
    made.dispatch(0.0)
    assert (made.backlog, made.dropped) == (0, {"reply-to-gone": 1})
    assert "an answer is lost: no link leads to the one who waits at down" in caplog.text


def ask(made: Sender, deadline_ms: int | None, key: bytes = b"k") -> Entry:
    entry = Entry()
    made.put(
        Parcel(new_id(), 1, "j", b'{"key": ""}', b"", {"up": Waiter("up-1", key, deadline_ms)}), entry, JSONEvent()
    )
    return entry


def test_a_batch_in_which_somebody_waits_brings_the_senders_clock_and_no_other_does() -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    for asked in (False, True, False):
        if asked:
            ask(made, 9000)
        else:
            put(made)
        made.dispatch(5.0)
    batches = [wire.decode_from_sender(frame) for _, frame in made.frames]
    assert [batch.now_ms for batch in batches if isinstance(batch, wire.Batch)] == [None, 5000, None]
    assert bytes(made.frames[0][1]) == wire.encode(wire.Outgoing(1, [item[0] for item in session.ledger][:1]))


@pytest.mark.parametrize("options", [Options(), Options(key="data/key"), Options(delivery="at-most-once")])
def test_what_waits_for_a_peer_longer_than_anybody_waits_for_it_is_not_sent(options: Options) -> None:
    made = sender(options)
    late, soon, anyway = ask(made, 9000), ask(made, 20_000), ask(made, None)
    made.dispatch(1.0)
    assert made.backlog == 3
    made.dispatch(10.0)
    assert (made.backlog, made.dropped) == (2, {"expired": 1})
    if options.delivery == "at-least-once":
        assert (late.finished, soon.finished, anyway.finished) == (1, 0, 0)
        (told,) = late.told
        assert isinstance(told, Failed)
        assert told.failure.status == 504


def test_a_suspect_that_nobody_waits_for_any_more_is_not_sent_again() -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    late, soon, gone = ask(made, 9000), ask(made, 20_000), ask(made, None, b"gone")
    made.dispatch(1.0)
    made.lost(session)
    assert (made.backlog, len(made.suspects)) == (3, 3)
    made.dispatch(10.0)
    made.withdraw(b"gone")
    assert (made.backlog, made.dropped) == (1, {"expired": 2})
    assert (late.finished, soon.finished, gone.finished) == (1, 0, 1)
    (told,) = late.told
    assert isinstance(told, Failed)
    assert told.failure.status == 504


def test_what_is_withdrawn_is_not_sent_and_nothing_else_is_touched() -> None:
    made = sender(Options())
    gone, other, plain = ask(made, None, b"1"), ask(made, None, b"2"), put(made)
    made.withdraw(b"1")
    assert (gone.finished, gone.told, other.finished, plain.finished, made.backlog) == (1, [], 0, 0, 2)


def test_what_is_withdrawn_among_many_that_wait_is_looked_for_before_any_is_sent() -> None:
    made = sender(Options())
    asked = [ask(made, None, b"%d" % number) for number in range(100)]
    made.dispatch(1.0)
    made.withdraw(b"1")
    assert made.backlog == 100, "it is not looked for yet"
    welcome(made, "tcp://a:1")
    made.dispatch(1.5)
    assert (made.in_flight, made.dropped, asked[1].finished) == (99, {"expired": 1}, 1)


def test_what_is_withdrawn_where_no_peer_comes_is_taken_back_with_others_or_after_a_while() -> None:
    made = sender(Options())
    for number in range(100):
        ask(made, None, b"%d" % number)
    made.dispatch(1.0)
    for number in range(13):
        made.withdraw(b"%d" % number)
    assert made.backlog == 87
    made.withdraw(b"50")
    made.dispatch(1.5)
    assert made.backlog == 87
    made.dispatch(2.5)
    assert (made.backlog, made.dropped) == (86, {"expired": 14})


def test_instances_with_equal_room_take_turns() -> None:
    made = sender(Options())
    sessions = [welcome(made, f"tcp://{name}:1") for name in "abc"]
    chosen = []
    for _ in range(6):
        put(made)
        made.dispatch(0.0)
        chosen += list(sent(made))
        for session in sessions:
            acknowledge(made, session)
    assert chosen == ["tcp://a:1", "tcp://b:1", "tcp://c:1"] * 2


def test_a_peer_is_not_given_more_than_was_asked_for() -> None:
    made = sender(Options(window=4))
    session = made.open("tcp://a:1")
    assert not made.on_frame(session, wire.encode(wire.Welcome(wire.VERSION, "down", "down-1", 1 << 40)))
    put(made, 10)
    made.dispatch(0)
    assert (session.sent, session.granted, len(made.pending)) == (4, 4, 6)


def test_a_peer_that_welcomes_twice_or_is_another_actor_is_given_up() -> None:
    made = sender(Options())
    first = welcome(made, "tcp://a:1")
    again = wire.encode(wire.Welcome(wire.VERSION, "down", "down-9", 64))
    assert made.on_frame(first, again) == "the peer welcomes a session that stands already"
    other = made.open("tcp://b:1")
    stranger = wire.encode(wire.Welcome(wire.VERSION, "other", "other-1", 64))
    assert made.on_frame(other, stranger) == 'the peer is "other", not "down"'
    assert (first.instance, other.instance) == ("tcp://a:1", "")


def request(made: Sender, id_: int, actor: str) -> None:
    """Put an event whose answer somebody waits for at an actor."""
    made.put(Parcel(id_, 1, "j", b'{"key":""}', b"", {actor: Waiter("down-1", b"k")}), Entry(), JSONEvent())


def test_what_is_asked_of_others_is_not_sorted_for_answers() -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    request(made, 1, "web")
    assert (made.has_replies, made.has_answers) == (True, False)
    request(made, 2, "down")
    assert made.has_answers
    made.dispatch(0.0)
    assert (made.has_answers, len(made.replies)) == (False, 0), "no session leads to who asked: it went up"
    assert session.unacked == 1


def test_answers_that_came_before_the_first_welcome_are_found_after_it() -> None:
    made = sender(Options())
    session = made.open("tcp://a:1")
    for id_, actor in ((1, "web"), (2, "down")):
        request(made, id_, actor)
    made.dispatch(0.0)
    assert (made.backlog, made.has_answers) == (2, True)
    made.on_frame(session, wire.encode(wire.Welcome(wire.VERSION, "down", "down-1", 1)))
    made.dispatch(0.0)
    assert (session.unacked, made.backlog) == (1, 1), "the answer goes first, and the window is full"
    assert session.find(1) is not None
    assert session.find(1).id == 2  # type: ignore[union-attr]  # it is there


def test_answers_that_come_back_from_a_lost_peer_are_sorted_out_again() -> None:
    made = sender(Options())
    session = made.open("tcp://a:1")
    made.on_frame(session, wire.encode(wire.Welcome(wire.VERSION, "down", "down-1", 8)))
    request(made, 1, "down")
    made.dispatch(0.0)
    assert session.unacked == 1
    made.lost(session)
    again = welcome(made, "tcp://b:1")
    made.dispatch(0.0)
    assert (again.unacked, made.backlog, made.idle) == (0, 0, True), "it is for down-1 alone, so it went up"


def test_a_connection_with_nothing_to_do_says_so() -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    assert not made.has_work
    put(made)
    assert made.has_work
    made.dispatch(0.0)
    made.frames.clear()
    assert not made.has_work
    made.on_frame(session, wire.encode(wire.Drain()))
    assert made.has_work, "as soon as the peer owes nothing it may be told Bye"
    made.dispatch(0.0)
    assert made.has_work
    welcome(made, "tcp://b:1")
    acknowledge(made, session)
    made.dispatch(0.0)
    assert [type(wire.decode_from_sender(frame)) for _, frame in made.frames] == [wire.Bye]
    made.frames.clear()
    made.dispatch(0.0)
    assert not made.has_work
