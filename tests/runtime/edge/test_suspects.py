"""Events that may have ended their receiver: who is blamed, and how they are told apart. Without sockets."""

from __future__ import annotations

from actorkit import Event
from actorkit.edge import wire
from actorkit.edge.peers import Peers
from actorkit.edge.receiver import Receiver
from actorkit.edge.send_session import NOBODY, SendSession
from actorkit.edge.sender import Sender
from actorkit.event.parcel import Parcel, Suspicion
from actorkit.graph import Options

HELLO = wire.encode(wire.Hello(wire.VERSION, "t", "up", "up-1", "down", "up", 100))


def sender(count: int = 0) -> Sender:
    made = Sender("t", "up", "up-1", "down", Peers(("tcp://down:1",), "up", Options(window=100)))
    for number in range(1, count + 1):
        made.put(Parcel(number, 0, "n", b"", b""), NOBODY, Event())
    return made


def welcome(made: Sender, address: str, life: int = 0) -> SendSession:
    session = made.open(address)
    made.on_frame(session, wire.encode(wire.Welcome(wire.VERSION, "down", address, 100, life)))
    made.follow([*made.sessions])
    made.dispatch(0.0)
    return session


def marks(made: Sender) -> dict[int, bool | Suspicion]:
    """What waits, by id, with its mark."""
    suspects = [parcel for parcel, _ in made.suspects.items]
    return {parcel.id: parcel.redelivered for parcel in [*suspects, *made.pending]}


def test_each_event_that_a_peer_held_is_a_suspect_when_nobody_knows_what_ended_it() -> None:
    made = sender(3)
    made.lost(welcome(made, "a"))
    assert marks(made) == dict.fromkeys((1, 2, 3), Suspicion(1, ["lost without a word"]))


def test_only_the_event_that_a_peer_names_is_a_suspect() -> None:
    made = sender(3)
    session = welcome(made, "a")
    made.on_frame(session, wire.encode(wire.End(2, "SystemExit: 3")))
    made.lost(session)
    assert marks(made) == {1: True, 2: Suspicion(1, ["SystemExit: 3"]), 3: True}


def test_nothing_is_a_suspect_when_a_peer_ends_for_another_reason_or_is_not_lost() -> None:
    made = sender(2)
    session = welcome(made, "a")
    made.on_frame(session, wire.encode(wire.End(0, "stopped")))
    made.lost(session)
    assert marks(made) == {1: True, 2: True}
    made.lost(welcome(made, "b"), died=False)
    assert marks(made) == {1: True, 2: True}


def test_only_the_suspect_that_was_begun_is_counted() -> None:
    made = sender(3)
    made.lost(welcome(made, "a"))
    session = welcome(made, "b")
    made.put(Parcel(4, 0, "n", b"", b""), NOBODY, Event())
    made.on_frame(session, wire.encode(wire.Begin(1, alone=True)))
    made.frames.clear()
    made.lost(session)
    lost = "lost without a word"
    assert marks(made) == {
        2: Suspicion(2, [lost, lost]),
        1: Suspicion(1, [lost]),
        3: Suspicion(1, [lost]),
        4: False,
    }


def test_the_likeliest_suspect_comes_last() -> None:
    made = sender(3)
    made.lost(welcome(made, "a"))
    assert [item[0].id for item in made.suspects.items] == [2, 3, 1], "whoever consumes in order was at the first one"
    session = welcome(made, "b")
    made.on_frame(session, wire.encode(wire.Begin(1, alone=True)))
    made.lost(session)
    assert [item[0].id for item in made.suspects.items] == [3, 1, 2], "that one was begun when the second peer ended"


def test_what_is_no_suspect_goes_before_the_last_one_but_not_for_ever() -> None:
    made = sender(1)
    made.lost(welcome(made, "a"))
    for number in range(2, 20):
        made.put(Parcel(number, 0, "n", b"", b""), NOBODY, Event())
    session = made.open("b")
    made.on_frame(session, wire.encode(wire.Welcome(wire.VERSION, "down", "b", 4)))
    made.dispatch(0.0)
    assert [item[0].id for item in session.ledger] == [2, 3, 4, 5]
    made.on_frame(session, wire.encode(wire.Ack(4, 4)))
    made.dispatch(0.0)
    assert [item[0].id for item in session.ledger] == [1]


def test_what_a_peer_consumes_beside_a_suspect_is_innocent_only_where_it_consumes_one_at_a_time() -> None:
    for alone, mark in ((True, True), (False, Suspicion(1, ["lost without a word"]))):
        made = sender(1)
        made.lost(welcome(made, "a"))
        session = welcome(made, "b")
        made.put(Parcel(2, 0, "n", b"", b""), NOBODY, Event())
        made.on_frame(session, wire.encode(wire.Begin(1, alone=False)))
        made.dispatch(0.0)
        made.on_frame(session, wire.encode(wire.Begin(1, alone)))
        made.lost(session)
        assert marks(made)[2] == mark


def test_a_suspect_that_was_consumed_is_not_counted() -> None:
    made = sender(1)
    made.lost(welcome(made, "a"))
    session = welcome(made, "b")
    made.on_frame(session, wire.encode(wire.Begin(1, alone=True)))
    made.on_frame(session, wire.encode(wire.Begin(0)))
    made.lost(session)
    assert marks(made) == {1: Suspicion(1, ["lost without a word"])}


def test_a_peer_that_is_there_again_is_not_ended_by_what_it_held() -> None:
    made = sender(3)
    made.lost(welcome(made, "a", life=7))
    made.open("a")
    session = made.sessions["a"]
    made.on_frame(session, wire.encode(wire.Welcome(wire.VERSION, "down", "a", 100, 7)))
    assert marks(made) == dict.fromkeys((1, 2, 3), True)
    made.dispatch(0.0)
    assert session.sent == 3


def test_a_fresh_event_goes_to_a_peer_that_has_no_suspect() -> None:
    made = sender(1)
    made.lost(welcome(made, "a"))
    first = welcome(made, "b")
    second = made.open("c")
    made.on_frame(second, wire.encode(wire.Welcome(wire.VERSION, "down", "c", 1)))
    made.put(Parcel(2, 0, "n", b"", b""), NOBODY, Event())
    made.put(Parcel(3, 0, "n", b"", b""), NOBODY, Event())
    made.dispatch(0.0)
    assert (first.sent, second.sent) == (1, 1)


def test_a_fresh_event_waits_behind_a_suspect_only_where_nothing_is_consumed_beside_it() -> None:
    made = sender(1)
    made.lost(welcome(made, "a"))
    session = welcome(made, "b")
    made.put(Parcel(2, 0, "n", b"", b""), NOBODY, Event())
    made.dispatch(0.0)
    assert session.sent == 1
    made.on_frame(session, wire.encode(wire.Begin(1, alone=True)))
    made.dispatch(0.0)
    assert session.sent == 1
    made.on_frame(session, wire.encode(wire.Begin(1, alone=False)))
    made.dispatch(0.0)
    assert session.sent == 2


def test_ways_are_bounded() -> None:
    made = sender(1)
    for number in range(20):
        session = welcome(made, f"a{number}")
        made.on_frame(session, wire.encode(wire.End(1, f"way {number}")))
        made.lost(session)
    (mark,) = marks(made).values()
    assert isinstance(mark, Suspicion)
    assert (mark.count, len(mark.ways), mark.ways[-1]) == (20, wire.MAX_WAYS, "way 19")


# --- the receiver -------------------------------------------------------------------------------------------------


def receiver() -> Receiver:
    made = Receiver("t", "down", "down-1")
    made.on_frame(b"x", HELLO)
    made.replies.clear()
    return made


def batch(first: int, *ids: int, suspects: bool = True) -> bytes:
    mark: bool | Suspicion = Suspicion(1, ["x"]) if suspects else False
    parcels = [Parcel(id_, 0, "n", b"", b"", None, mark) for id_ in ids]
    return wire.encode(wire.Outgoing(first, parcels, suspects))


def said(made: Receiver) -> list[wire.FromReceiver]:
    replies = [wire.decode_from_receiver(frame) for _, frame in made.replies]
    made.replies.clear()
    return replies


def test_suspects_are_consumed_one_at_a_time_and_with_leave() -> None:
    made = receiver()
    made.on_frame(b"x", batch(1, 11, 12))
    made.on_frame(b"x", batch(3, 13, suspects=False))
    (first,) = made.deliveries
    made.deliveries.clear()
    assert made.apart.is_turn(first)
    made.apart.ask()
    assert said(made) == [wire.Begin(1, alone=True)]
    assert not made.apart.permitted
    made.on_frame(b"x", wire.encode(wire.Go(2)))
    assert not made.apart.permitted, "that is leave for another one"
    made.on_frame(b"x", wire.encode(wire.Go(1)))
    assert made.apart.permitted
    made.apart.end(first)
    assert said(made) == [wire.Begin(0)]
    (second,) = made.deliveries
    assert second[1] == 2
    made.deliveries.clear()
    made.apart.ask()
    made.on_frame(b"x", wire.encode(wire.Go(2)))
    made.apart.end(second)
    assert [delivery[1] for delivery in made.deliveries] == [3], "what came behind them keeps its order"


def test_a_suspect_that_is_a_repeat_needs_no_leave_and_its_sender_hears_that() -> None:
    made = receiver()
    made.on_frame(b"x", batch(1, 11, suspects=False))
    session, first, parcels, redelivered = made.deliveries.popleft()
    list(made.dedup.admit(0, session, first, parcels, redelivered))
    made.on_frame(b"x", batch(2, 11))
    (again,) = made.deliveries
    assert not made.apart.is_turn(again)
    assert said(made) == [wire.Begin(0)]


def test_suspects_of_a_sender_that_is_gone_are_left_to_it() -> None:
    made = receiver()
    made.on_frame(b"x", batch(1, 11, 12))
    made.apart.ask()
    made.gone(b"x")
    assert made.idle
    assert not made.deliveries
    made.on_frame(b"y", HELLO)
    made.on_frame(b"y", batch(1, 12))
    (delivery,) = made.deliveries
    assert made.apart.is_turn(delivery), "it is no repeat: nobody consumed it"


def test_the_end_is_told_once_and_names_an_event_only_to_its_sender() -> None:
    made = receiver()
    made.on_frame(b"y", wire.encode(wire.Hello(wire.VERSION, "t", "other", "other-1", "down", "up", 100)))
    made.replies.clear()
    made.end("SystemExit: 3", made.sessions[b"x"], 5)
    made.end("stopped")
    assert said(made) == [wire.End(5, "SystemExit: 3"), wire.End(0, "SystemExit: 3")]
