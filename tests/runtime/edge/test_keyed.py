"""Connections with a key: events of one key stay on one instance, in order. Without sockets."""

from __future__ import annotations

from actorkit.edge import wire
from actorkit.event.parcel import Suspicion
from actorkit.graph import Options
from tests.runtime.edge.sending import acknowledge, put, sender, sent, welcome


def test_a_key_stays_on_one_instance_and_in_order() -> None:
    made = sender(Options(key="data/key", window=1000))
    for name in "abc":
        welcome(made, f"tcp://{name}:1")
    entries = [put(made, 1, f"k{number % 30}") for number in range(300)]
    made.dispatch(0.0)
    found = sent(made)
    owners = {key: address for address, keys in found.items() for key in keys}
    assert sum(len(set(keys)) for keys in found.values()) == len(owners) == 30
    assert len(found) == 3
    for session in made.sessions.values():
        acknowledge(made, session)
    assert all((entry.pending, entry.finished) == (0, 1) for entry in entries)


def test_a_new_instance_takes_only_its_own_keys() -> None:
    made = sender(Options(key="data/key", window=1000))
    welcome(made, "tcp://a:1")
    welcome(made, "tcp://b:1")

    def owners() -> dict[str, str]:
        for number in range(200):
            put(made, 1, f"k{number}")
        made.dispatch(0.0)
        found = {key: address for address, keys in sent(made).items() for key in keys}
        for session in made.sessions.values():
            acknowledge(made, session)
        return found

    before = owners()
    welcome(made, "tcp://c:1")
    after = owners()
    moved = {key for key in before if before[key] != after[key]}
    assert {after[key] for key in moved} == {"tcp://c:1"}
    assert 200 / 3 * 0.6 < len(moved) < 200 / 3 * 1.4


def test_a_key_does_not_move_while_events_of_it_are_under_way() -> None:
    made = sender(Options(key="data/key", window=1000))
    first = welcome(made, "tcp://a:1")
    put(made, 1, "x")
    made.dispatch(0.0)
    assert sent(made) == {"tcp://a:1": ["x"]}
    first.draining = True
    welcome(made, "tcp://b:1")
    put(made, 2, "x")
    put(made, 1, "y")
    made.dispatch(0.0)
    assert sent(made) == {"tcp://b:1": ["y"]}
    acknowledge(made, first)
    first.bye = True
    made.dispatch(0.0)
    assert sent(made) == {"tcp://b:1": ["x", "x"]}


def test_a_full_window_holds_back_only_its_own_keys() -> None:
    made = sender(Options(key="data/key", window=2))
    sessions = [welcome(made, f"tcp://{name}:1") for name in "ab"]
    for number in range(40):
        put(made, 1, f"k{number}")
    made.dispatch(0.0)
    assert [session.credit for session in sessions] == [0, 0]
    held = list(made.pending)
    assert len(held) == 36
    sent(made)
    acknowledge(made, sessions[0])
    made.dispatch(0.0)
    assert list(sent(made)) == ["tcp://a:1"]


def test_what_a_lost_peer_held_goes_to_the_keys_next_owner_in_order() -> None:
    made = sender(Options(key="data/key", window=1000))
    first = welcome(made, "tcp://a:1")
    entry = put(made, 3, "x")
    made.dispatch(0.0)
    sent(made)
    made.lost(first)
    second = welcome(made, "tcp://b:1")
    for _ in range(3):  # Each may be what ended the peer, and goes apart.
        made.dispatch(0.0)
        (frame,) = [wire.decode_from_sender(frame) for _, frame in made.frames]
        assert isinstance(frame, wire.Batch)
        assert [parcel.redelivered for parcel in frame.parcels] == [Suspicion(1, ["lost without a word"])]
        made.frames.clear()
        acknowledge(made, second)
        made.on_frame(second, wire.encode(wire.Begin(0)))
    assert (entry.pending, entry.finished, made.idle) == (0, 1, True)
