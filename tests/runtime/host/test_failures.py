"""Events that fail always get where failed events go, whatever was made of them or came in; the instance lives."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from actorkit import Actor, Event, JSONEvent, MalformedEvent, errors
from actorkit.deadletters.box import letters
from actorkit.director import Director
from actorkit.event.context import Failure, decode_context
from actorkit.event.parcel import MAX_BODY_BYTES, Parcel
from actorkit.testing import Harness
from tests.runtime.deadletters.keeping import keep
from tests.runtime.directing import Asker, begin

#: No context: text that is not UTF-8, an array without an end, a number, arrays nested without an end.
UNREADABLE_CONTEXTS = [b"\x91\xa1\x80", b"\x95", b"\x07", b"\x92\xa0\x81\xa1a" + b"\x91" * 100_000]


class Rude(Exception):
    def __str__(self) -> str:
        raise OSError("no words")


class Spoils(Actor):
    """Makes of an event what cannot be sent, or raises what cannot be told."""

    def consume(self, event: JSONEvent) -> Event:
        match event.data:
            case "attribute":
                event.attributes["x"] = object()
            case "attribute that is no text":
                event.attributes["x"] = "\ud800"
            case "number without end":
                event.attributes["x"] = 1 << 70
            case "object":
                event.data = {"a": object()}
            case "circle":
                circle: list[object] = []
                circle.append(circle)
                event.data = circle
            case "text":
                event.data = "\ud800"
            case "long":
                event.data = "x" * (MAX_BODY_BYTES + 1)
            case "long, and raises":
                event.data = "x" * (MAX_BODY_BYTES + 1)
                raise ValueError
            case "detail":
                raise MalformedEvent("no good", bad=[object()], worse=[b"x"], good=1)
            case "message":
                raise MalformedEvent("\ud800")
            case "no message":
                raise MalformedEvent(None)  # type: ignore[arg-type]
            case "rude":
                raise Rude
        return event


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("attribute", "the event's attributes cannot be sent: attributes['x'] is of the type object"),
        ("attribute that is no text", "the event's attributes cannot be sent: 'utf-8' codec"),
        (
            "number without end",
            "the event's attributes cannot be sent: attributes['x'] is a whole number of more than 64 bits",
        ),
        ("object", "the data cannot be written as JSON: data['a'] is of the type object"),
        ("circle", "the data cannot be written as JSON: maximum recursion depth exceeded"),
        ("text", "the data cannot be written as JSON: 'utf-8' codec"),
        ("long", f"an event carries at most {MAX_BODY_BYTES}"),
        ("long, and raises", "ValueError"),
        ("detail", "no good"),
        ("message", "\\ud800"),
        ("no message", "None"),
        ("rude", "its message cannot be had: OSError"),
    ],
)
def test_an_event_of_which_nothing_can_be_made_fails_and_the_next_one_is_consumed(
    director: Director, how: str, told: str
) -> None:
    ask, spoils = director.register_actor(Asker, "asker"), director.register_actor(Spoils, "spoils")
    director.connect_queue(ask, spoils)
    director.connect_queue(spoils, ask)
    director.connect_error_queue(spoils, ask)
    actor = begin(director)
    failed = actor.request(JSONEvent(how, attributes={"n": 1}), timeout_s=10)
    assert failed.failure is not None
    assert told in failed.failure.message
    assert failed.failure.details in ({}, {"good": 1})
    assert (failed.data, failed.attributes) == (how, {"n": 1})
    fine = actor.request(JSONEvent("fine"), timeout_s=10)
    assert (fine.data, fine.failure) == ("fine", None)


def test_the_harness_tells_the_same_failures() -> None:
    harness = Harness(Spoils)
    harness.put(JSONEvent("object"))
    (failed,) = harness.errors
    assert failed.data == "object"


def with_context(context: bytes) -> Event:
    return Event.received(Parcel(7, 0, "t", b"body", context))


@pytest.mark.parametrize("context", UNREADABLE_CONTEXTS)
def test_a_context_that_cannot_be_read_is_a_failure_of_its_event(context: bytes) -> None:
    with pytest.raises(errors.ConversionError, match="the event's context cannot be read"):
        decode_context(context)
    event = with_context(context)
    with pytest.raises(errors.ConversionError, match="the event's context cannot be read"):
        _ = event.attributes
    failed = event.failed(Failure("X", "x"))
    assert (failed.data, failed.attributes, failed.id) == ("body", {}, event.id)
    assert failed.failure == Failure("X", "x")


@pytest.mark.parametrize("context", UNREADABLE_CONTEXTS)
def test_a_dead_letter_keeps_a_context_that_cannot_be_read(context: bytes, tmp_path: Path) -> None:
    keep(tmp_path, with_context(context))
    (letter,) = letters(tmp_path)
    assert (letter.body, letter.context.attributes) == (b"body", {})
    assert base64.b64decode(letter.record["context"]["base64"]) == context


def test_a_dead_letter_brings_back_attributes_that_json_has_no_words_for(tmp_path: Path) -> None:
    attributes = {"raw": b"\xff", "deep": {1: b"x"}, "text": "x"}
    keep(tmp_path, Event.received(Event(b"", service="s", attributes=attributes).parcel()))
    (letter,) = letters(tmp_path)
    again = Event.received(letter.parcel())
    assert (again.attributes, again.service) == (attributes, "s")
    for_people = {"raw": repr(b"\xff"), "deep": {"1": repr(b"x")}, "text": "x"}
    assert letter.record["attributes"] == for_people


def test_a_dead_letter_that_json_can_tell_tells_it_once(tmp_path: Path) -> None:
    event = Event.received(Event(b"", service="s", attributes={"a": [1, None, 0.5]}).parcel())
    keep(tmp_path, event)
    (letter,) = letters(tmp_path)
    assert "context" not in letter.record
