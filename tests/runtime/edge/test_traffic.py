"""What waits on a connection, how old it is, and how long events took: by a clock of the test, without sockets."""

from __future__ import annotations

from random import Random

import pytest

from actorkit import JSONEvent
from actorkit.edge import wire
from actorkit.edge.send_session import SendSession
from actorkit.edge.sender import Sender
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel, Waiter
from actorkit.graph import Options
from tests.runtime.edge.sending import Entry, put, sender, welcome


def begin(made: Sender, now: float, key: str = "", trail: str = "up") -> int:
    """An event enters the outbox at that time; its id. It began there, unless it has another trail."""
    event, id_ = JSONEvent({"key": key}), new_id()
    made.put(Parcel(id_, 0, *event.encoded(), b"", trail=trail), Entry(), event)
    made.dispatch(now)
    return id_


def say(made: Sender, session: SendSession, consumed: int, floor: int, above: tuple[int, ...] = ()) -> None:
    made.on_frame(session, wire.encode(wire.Ack(consumed, floor, list(above))))


def test_an_event_waits_until_it_is_consumed_and_not_until_it_is_finished() -> None:
    made = sender(Options(window=2))
    for now in (1.0, 2.0, 4.0):
        begin(made, now)
    assert (made.waiting, made.oldest_waiting_s(10.0)) == (3, 9.0)
    session = welcome(made, "tcp://a:1")
    made.dispatch(5.0)
    assert (made.waiting, made.in_flight, made.backlog) == (3, 2, 1)
    say(made, session, 1, 0)
    assert (made.waiting, made.oldest_waiting_s(10.0)) == (2, 8.0)
    made.dispatch(6.0)
    say(made, session, 3, 0)
    assert (made.waiting, made.oldest_waiting_s(10.0), made.in_flight) == (0, 0.0, 3)
    assert made.oldest_begun_s(10.0) == 9.0
    say(made, session, 3, 2)
    assert made.oldest_begun_s(10.0) == 6.0
    say(made, session, 3, 3)
    assert made.oldest_begun_s(10.0) == 0.0


def test_what_is_finished_has_been_consumed_though_the_peer_tells_that_first() -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    for now in (1.0, 2.0, 3.0):
        begin(made, now)
    say(made, session, 0, 1, (3,))
    assert (made.waiting, made.oldest_waiting_s(10.0)) == (1, 8.0)


def test_the_time_of_an_event_is_taken_when_it_is_finished_in_whatever_order() -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    for now in (1.0, 2.0, 3.0):
        begin(made, now)
    say(made, session, 3, 0, (2,))
    made.dispatch(10.0)
    assert made.finish_times.seconds == 8.0
    say(made, session, 3, 3)
    made.dispatch(20.0)
    assert made.finish_times.seconds == 8.0 + 19.0 + 17.0
    assert sum(made.finish_times.buckets) == 3
    made.dispatch(30.0)
    assert sum(made.finish_times.buckets) == 3


def test_a_straggler_is_timed_when_it_is_finished() -> None:
    peers = sender(Options(window=4096)).peers
    made = Sender("t", "up", "up-1", "down", peers, max_acked_above=2)
    session = welcome(made, "tcp://a:1")
    for now in (1.0, 2.0, 3.0, 4.0):
        begin(made, now)
    say(made, session, 4, 0, (2, 3, 4))
    made.dispatch(10.0)
    assert (made.finish_times.seconds, made.oldest_begun_s(10.0)) == (8.0 + 7.0 + 6.0, 9.0)
    assert session.stragglers
    say(made, session, 4, 4)
    made.dispatch(20.0)
    assert (made.finish_times.seconds, made.oldest_begun_s(20.0)) == (8.0 + 7.0 + 6.0 + 19.0, 0.0)


def test_of_a_batch_one_event_is_timed_and_none_that_began_elsewhere() -> None:
    made = sender(Options())
    session = welcome(made, "tcp://a:1")
    for _ in range(3):
        event = JSONEvent()
        made.put(Parcel(new_id(), 0, *event.encoded(), b"", trail="up"), Entry(), event)
    made.dispatch(1.0)
    begin(made, 2.0, trail="web/up")
    assert made.oldest_begun_s(3.0) == 2.0
    say(made, session, 4, 4)
    made.dispatch(5.0)
    assert (sum(made.finish_times.buckets), made.finish_times.seconds) == (1, 4.0)


@pytest.mark.parametrize("died", [False, True], ids=["refused", "died"])
@pytest.mark.parametrize("key", ["", "key"])
def test_what_a_lost_peer_had_waits_again_and_is_as_old_as_it_was(key: str, died: bool) -> None:
    made = sender(Options(key=key))
    session = welcome(made, "tcp://a:1")
    for now in (1.0, 2.0, 3.0):
        begin(made, now, "one")
    say(made, session, 3, 1)
    assert made.waiting == 0
    made.lost(session, died)
    made.dispatch(4.0)
    begin(made, 5.0, "one")
    assert (made.waiting, made.oldest_waiting_s(10.0), made.oldest_begun_s(10.0)) == (3, 8.0, 8.0)
    again = welcome(made, "tcp://b:1")
    while made.backlog:
        made.dispatch(6.0)
        made.on_frame(again, wire.encode(wire.Begin(0)))
        say(made, again, again.sent, 0)
    assert made.oldest_begun_s(10.0) == 8.0
    say(made, again, again.sent, again.sent)
    made.dispatch(10.0)
    assert (made.oldest_begun_s(10.0), made.waiting) == (0.0, 0)


def test_an_answer_that_waits_for_credit_has_its_age() -> None:
    made = sender(Options(window=1))
    session = welcome(made, "tcp://a:1")
    for now in (1.0, 2.0, 3.0):
        event = JSONEvent()
        waiter = {"down": Waiter("tcp://a:1", b"key")}
        made.put(Parcel(new_id(), 0, *event.encoded(), b"", waiter), Entry(), event)
        made.dispatch(now)
    assert (made.waiting, made.backlog, made.oldest_waiting_s(10.0)) == (3, 2, 9.0)
    say(made, session, 1, 1)
    assert made.oldest_waiting_s(10.0) == 8.0
    made.dispatch(4.0)
    say(made, session, 2, 2)
    assert made.oldest_waiting_s(10.0) == 7.0


def test_bytes_of_batches_are_counted() -> None:
    made = sender(Options())
    welcome(made, "tcp://a:1")
    put(made, 3)
    made.dispatch(0.0)
    assert made.bytes == sum(len(frame) for _, frame in made.frames) > 0


@pytest.mark.parametrize("key", ["", "key"])
@pytest.mark.parametrize("seed", range(8))
def test_ages_are_those_of_a_list_that_notes_each_event(key: str, seed: int) -> None:
    """Whatever comes, finishes in whatever order, and is lost with its peer."""
    random, made, now = Random(seed), sender(Options(key=key, window=5)), 0.0
    entered: dict[int, float] = {}
    numbers: dict[SendSession, list[int]] = {}
    for step in range(400):
        now += 1.0
        choice = random.randrange(5)
        sessions = list(made.sessions.values())
        if choice == 0 and len(sessions) < 3:
            numbers[welcome(made, f"tcp://{step}:1")] = []
        elif choice == 1 and sessions and random.random() < 0.3:
            made.lost(random.choice(sessions), random.random() < 0.5)
        elif choice == 2 and sessions:
            finish_some(made, random, random.choice(sessions), numbers, entered)
        elif len(entered) < 60:
            entered[begin(made, now, random.choice("abc"))] = now
        made.dispatch(now)
        note_numbers(made, numbers)
        for session in made.sessions.values():
            if session.apart:
                made.on_frame(session, wire.encode(wire.Begin(0)))
        assert made.oldest_begun_s(now) == now - min(entered.values(), default=now)
        assert made.waiting == made.backlog + made.in_flight == len(entered)


def note_numbers(made: Sender, numbers: dict[SendSession, list[int]]) -> None:
    """Note which events went under which numbers."""
    for session, frame in made.frames:
        message = wire.decode_from_sender(frame)
        if isinstance(message, wire.Batch):
            numbers[session] += [parcel.id for parcel in message.parcels]
    made.frames.clear()


def finish_some(
    made: Sender, random: Random, session: SendSession, numbers: dict[SendSession, list[int]], entered: dict[int, float]
) -> None:
    """The peer tells of some more events that they are finished, and so consumed."""
    there = numbers[session]
    for index in random.sample(range(len(there)), min(len(there), random.randrange(4))):
        entered.pop(there[index], None)
    done = {number for number, id_ in enumerate(there, 1) if id_ not in entered}
    floor = next((number - 1 for number in range(1, len(there) + 2) if number not in done), 0)
    say(made, session, len(done), floor, tuple(number for number in done if number > floor))
