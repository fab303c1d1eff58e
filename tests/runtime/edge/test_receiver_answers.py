"""Answers to an actor that consumes as well. No sockets."""

from __future__ import annotations

from collections import deque

from actorkit.edge import wire
from actorkit.edge.receiver import Receiver
from actorkit.event.parcel import Parcel, Suspicion, Waiter


def test_answers_go_apart_from_the_other_events_where_they_are_taken_apart() -> None:
    made = Receiver("t", "down", "down-1")
    made.answers = deque()
    made.on_frame(b"1", wire.encode(wire.Hello(wire.VERSION, "t", "up", "up-1", "down", "up", 4)))
    waits = {"down": Waiter("down-1", b"key")}
    first = [Parcel(1, 1, "n", b"", b"", None, Suspicion(1, ["gone"])), Parcel(2, 1, "n", b"", b"", waits)]
    others = [Parcel(number, 1, "n", b"", b"", waits if number == 4 else None) for number in (3, 4)]
    made.on_frame(b"1", wire.encode(wire.Outgoing(1, first, True)))
    made.on_frame(b"1", wire.encode(wire.Outgoing(3, others)))
    assert [(number, [parcel.id for parcel in parcels]) for _, number, parcels, _ in made.answers] == [
        (2, [2]),
        (4, [4]),
    ]
    assert [(number, len(parcels)) for _, number, parcels, _ in made.deliveries] == [(1, 1), (3, 1)]
    assert made.in_work == 0
