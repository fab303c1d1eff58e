from __future__ import annotations

from typing import Any

import pytest

from actorkit import Event, JSONEvent, XMLEvent
from actorkit.errors import SettingsError
from actorkit.event import FormEvent, body
from actorkit.testing import Harness
from actorkit_actors.flow.batch import Batch
from actorkit_actors.flow.unbatch import Unbatch

EVENTS = [
    Event(),
    Event("täxt\n", attributes={"n": 1, "deep": {"a": [None]}}),
    Event(b"\x00\xff", service="orders"),
    JSONEvent({"a": [1, 2.5, None, "x"], "big": 2**63}),
    XMLEvent("<a xmlns='urn:a' b='1'>&lt;&#228;</a>"),
    FormEvent({"a": ["1", "2"], "b": ["x y&z"]}),
]


def test_the_events_of_a_batch_are_what_they_were() -> None:
    pack, unpack = Harness(Batch, count=len(EVENTS)), Harness(Unbatch)
    pack.put(*EVENTS)
    [made] = pack.taken()
    assert (made.attributes, pack.held) == ({"count": len(EVENTS)}, [])
    unpack.put(made)
    again = unpack.taken()
    assert [event.encoded() for event in again] == [event.encoded() for event in EVENTS]
    assert [event.attributes for event in again] == [event.attributes for event in EVENTS]
    assert [event.service for event in again] == [event.service for event in EVENTS]


def test_a_batch_ends_when_it_is_full_or_its_time_is_over_or_no_more_comes() -> None:
    now_s = [100.0]
    harness = Harness(Batch, count=2, window_s=5)
    harness.actor.clock = lambda: now_s[0]
    harness.put(Event(1), Event(2), Event(3))
    assert [event.get("count") for event in harness.taken()] == [2]
    now_s[0] = 105.0
    harness.tick("look")
    assert [event.get("count") for event in harness.taken()] == [1]
    harness.put(Event(4))
    harness.end_input()
    assert ([event.get("count") for event in harness.taken()], harness.held) == ([1], [])


def test_without_an_end_there_is_no_batch() -> None:
    with pytest.raises(SettingsError, match="no window would end"):
        Harness(Batch)


def test_a_document_in_another_encoding_is_the_same_document() -> None:
    pack, unpack = Harness(Batch, count=1), Harness(Unbatch)
    pack.put(Event.unread(body.XML, "<?xml version='1.0' encoding='iso-8859-1'?><a>ä</a>".encode("latin-1")))
    unpack.put(*pack.taken())
    assert [event.convert(XMLEvent).data.text for event in unpack.taken()] == ["ä"]


def test_a_text_that_is_none_fails_by_itself() -> None:
    pack = Harness(Batch, count=2)
    pack.put(Event("a"), Event.unread(body.TEXT, b"\xff"), Event("b"))
    assert ([len(event.data) for event in pack.taken()], len(pack.errors)) == ([2], 1)


GOOD = {"format": "text", "data": "x"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "the event is no batch: its data is no list"),
        ([GOOD, 5], "event 1 of the batch: no packed event: "),
        (
            [GOOD, {"format": "pickle"}],
            "event 1 of the batch: no packed event: Invalid enum value 'pickle'",
        ),
        ([{"format": "text", "data": 5}], "event 0 of the batch: no packed event: the data of text is a text"),
        ([{"format": "bytes", "data": "%%"}], "event 0 of the batch: no packed event: "),
        ([{"format": "text", "data": "x", "reply_to": {}}], "event 0 of the batch: no packed event: "),
        ([GOOD] * 4, "the batch has 4 events, more than 3 (max_events)"),
    ],
)
def test_a_batch_with_anything_wrong_in_it_fails_as_a_whole(data: Any, said: str) -> None:
    harness = Harness(Unbatch, max_events=3)
    harness.put(JSONEvent(data))
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.message.startswith(said)
    assert (failed.failure.status, harness.taken()) == (400, [])
