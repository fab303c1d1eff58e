"""Copies of events that came over an edge: their context is read when somebody looks at it."""

from __future__ import annotations

import pytest

from actorkit import ConversionError, Event, Failure
from actorkit.event.parcel import Parcel


def test_a_copy_carries_a_context_that_nobody_looked_at_as_it_came() -> None:
    came = Event.received(Parcel(1, 1, "t", b"x", b"no context"))
    assert came.replace("y").encoded_context() == b"no context"
    with pytest.raises(ConversionError, match="context"):
        _ = came.replace("y").context


def test_a_copy_of_what_came_has_a_context_of_its_own() -> None:
    came = Event.received(Event("x", attributes={"n": [1]}).parcel())
    first, second = came.replace("y"), came.replace("z", more=2)
    first.attributes["n"].append(2)
    assert (came.attributes, second.attributes) == ({"n": [1]}, {"n": [1], "more": 2})
    assert Event.received(first.parcel()).attributes == {"n": [1, 2]}


def test_an_event_whose_context_cannot_be_read_fails_as_one_with_an_empty_one() -> None:
    failed = Event.received(Parcel(1, 1, "t", b"x", b"no context")).failed(Failure("Bad", "why"))
    assert failed.failure is not None
    assert (failed.failure.kind, failed.attributes, failed.data) == ("Bad", {}, "x")
