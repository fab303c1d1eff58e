"""The names that follow from positions: always the same, and of no two positions one."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import Event, JSONEvent, Position, UnsendableData
from actorkit.event.position import Namer

#: Also what is no UTF-8, as a file's name may be.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
POSITIONS = st.builds(Position, TEXTS, st.one_of(st.integers(), TEXTS))


def test_a_name_is_the_same_for_ever() -> None:
    # Written down: keys of these names stand in databases.
    namer = Namer("orders", "lines")
    assert namer.name(Position("orders.csv", 1234)) == (0x1A3DC542C5DB17B0, 0xCE68D375A41F0776)
    assert namer.name(Position("mails", "7@example.com")) == (0x67740DF40C3FD95F, 0x43FB271B8FE17170)


@given(POSITIONS, POSITIONS)
def test_two_positions_have_two_names_and_one_has_one(one: Position, other: Position) -> None:
    name = Namer("t", "a").name
    same = (one.stream, type(one.at), one.at) == (other.stream, type(other.at), other.at)
    assert (name(one) == name(other)) == same
    assert (name(one)[0] == name(other)[0]) == same
    assert all(0 < number < 1 << 64 for number in name(one))


def test_parts_of_a_name_do_not_run_into_each_other() -> None:
    names = {
        Namer("t", "a").name(Position("s", 11)),
        Namer("t", "a").name(Position("s1", 1)),
        Namer("t", "a").name(Position("s", "11")),
        Namer("ta", "").name(Position("s", 11)),
        Namer("t", "as").name(Position("", 11)),
    }
    assert len(names) == 5


def test_a_file_whose_name_is_no_text_has_a_name() -> None:
    assert Namer("t", "a").name(Position(os.fsdecode(b"\xff.csv"), 1))[0]


#: What an author may write.
NONE: list[tuple[Any, Any]] = [("s", 1.5), ("s", None), (b"s", 1), ("s", True)]


@pytest.mark.parametrize(("stream", "at"), NONE)
def test_what_is_no_position_is_told(stream: Any, at: Any) -> None:
    with pytest.raises(UnsendableData, match="names no event: its stream has to be a text"):
        Namer("t", "a").name(Position(stream, at))


def test_a_key_is_trace_and_id_and_the_same_in_a_copy_and_over_the_wire() -> None:
    event = Event(b"1")
    assert event.key == event.trace + event.id
    assert len(event.key) == 32
    arrived = Event.received(event.parcel())
    assert arrived.key == event.key == arrived.replace("y").key == arrived.convert(JSONEvent).key


def test_only_an_event_that_has_a_position_can_be_marked() -> None:
    event = Event("x")
    with pytest.raises(ValueError, match="only an event that has a position"):
        event.redelivered = True
    assert event.position is None
    assert Event("x", position=None).trace


def test_a_copy_keeps_position_and_mark() -> None:
    event = Event("x", position=Position("s", 1))
    assert not event.redelivered
    event.redelivered = True
    copy = event.replace("y")
    assert (copy.position, copy.redelivered, copy.trace) == (Position("s", 1), True, copy.id)
    assert str(copy.position) == "s@1"
