from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import actorkit
from actorkit import (
    ConversionError,
    ErrorMessage,
    Event,
    Failure,
    Http,
    HttpEvent,
    JSONEvent,
    MalformedEvent,
    Unauthorized,
    UnsendableData,
    XMLEvent,
)
from actorkit.deadletters.box import letters
from actorkit.event import plain
from actorkit.event.context import Context
from actorkit.event.ids import derive_id, new_id
from actorkit.event.parcel import Parcel, Waiter
from tests.runtime.deadletters.keeping import keep


def over(event: Event, wanted: type[Event] = Event) -> Event:
    """The event after a way over an edge."""
    return wanted.received(event.parcel())


def unparsed(format_: str, content: bytes) -> Event:
    """An event that arrives with such a body."""
    return Event.received(Parcel(new_id(), new_id(), format_, content, b""))


def test_an_event_arrives_as_it_was_sent() -> None:
    http = Http(
        method="PUT", path="/auth", query={"a": ["1", "2"]}, headers={"host": "x"}, user="ann", status=201,
        reply_headers=[("Set-Cookie", "a"), ("Set-Cookie", "b")],
    )  # fmt: skip
    event = Event({"total": 12}, service="orders", attributes={"n": [1, {"a": None}]}, http=http)
    event.failure = Failure("MalformedEvent", "no", 400, "auth", {"line": 3})
    event.reply_to = {"web": Waiter("web-1", b"key")}
    came = over(event)
    assert (came.id, came.trace, came.service) == (event.id, event.trace, "orders")
    assert came.data == {"total": 12}
    assert came.attributes == {"n": [1, {"a": None}]}
    assert came.http == http
    assert came.failure == event.failure
    assert came.reply_to == event.reply_to


def test_a_body_is_not_parsed_before_it_is_read() -> None:
    came = unparsed("j", b"not JSON at all")
    assert came.encoded() == ("j", b"not JSON at all")
    assert over(came).encoded() == ("j", b"not JSON at all")
    with pytest.raises(ConversionError, match="not JSON"):
        _ = came.data


def test_an_event_passed_on_unread_keeps_every_byte() -> None:
    came = unparsed("x", b'<?xml version="1.0"?>\n<a  b="1"/>')
    assert came.replace(x=1).encoded()[1] == b'<?xml version="1.0"?>\n<a  b="1"/>'


def test_a_change_inside_the_data_travels() -> None:
    came = over(JSONEvent({"a": [1]}), JSONEvent)
    came.data["a"].append(2)
    assert over(came).data == {"a": [1, 2]}
    xml = over(XMLEvent("<a/>"), XMLEvent)
    etree.SubElement(xml.data, "b")
    assert over(xml).encoded() == ("x", b"<a><b/></a>")


@pytest.mark.parametrize(
    ("cls", "given_", "data", "encoded"),
    [
        (JSONEvent, b'{"a": 1}', {"a": 1}, ("j", b'{"a":1}')),
        (JSONEvent, "text", "text", ("j", b'"text"')),
        (JSONEvent, {"a": 1}, {"a": 1}, ("j", b'{"a":1}')),
        (JSONEvent, None, None, ("n", b"")),
        (JSONEvent, etree.fromstring("<a>1</a>"), {"a": "1"}, ("j", b'{"a":"1"}')),
        (HttpEvent, "ä", "ä".encode(), ("b", "ä".encode())),
        (HttpEvent, {"a": 1}, b'{"a":1}', ("b", b'{"a":1}')),
        (Event, "x", "x", ("t", b"x")),
    ],
)
def test_a_class_sees_its_data_in_its_format(
    cls: type[Event], given_: Any, data: Any, encoded: tuple[str, bytes]
) -> None:
    event = cls(given_)
    assert event.data == data
    assert event.encoded() == encoded
    event.data = given_
    assert event.data == data


def test_xml_is_made_of_text_bytes_elements_and_json() -> None:
    for given_ in ("<a>1</a>", b"<a>1</a>", etree.fromstring("<a>1</a>"), {"a": 1}):
        assert XMLEvent(given_).encoded() == ("x", b"<a>1</a>")


@pytest.mark.parametrize(
    ("cls", "data"), [(XMLEvent, None), (XMLEvent, "text"), (JSONEvent, b"text"), (JSONEvent, b"")]
)
def test_data_that_does_not_fit_is_refused_with_400(cls: type[Event], data: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        cls(data).encoded()
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("cls", "data"), [(Event, object()), (XMLEvent, "<a>"), (JSONEvent, {1, 2}), (JSONEvent, b"{")]
)
def test_data_that_code_sets_and_that_does_not_fit_is_the_mistake_of_that_code(cls: type[Event], data: Any) -> None:
    event = cls.received(Event({"a": 1}).parcel())
    with pytest.raises(UnsendableData) as caught:
        event.replace(data).encoded()
    assert caught.value.status == 500


def test_conversion_changes_the_view_and_keeps_the_rest() -> None:
    event = Event('{"a": {"b": 1}}', attributes={"n": 1}, http=Http())
    as_json = event.convert(JSONEvent)
    as_xml = as_json.convert(XMLEvent)
    as_bytes = as_xml.convert(HttpEvent)
    back = as_xml.convert(Event)
    assert as_json.data == {"a": {"b": 1}}
    assert as_xml.data.findtext("b") == "1"
    assert as_bytes.data == b"<a><b>1</b></a>"
    assert type(back) is Event
    assert back.encoded() == ("x", b"<a><b>1</b></a>")
    for one in (as_json, as_xml, as_bytes, back):
        assert (one.id, one.trace, one.get("n")) == (event.id, event.trace, 1)


def test_conversion_to_the_same_view_is_the_event_itself() -> None:
    class Order(JSONEvent):
        pass

    event = JSONEvent({"a": 1})
    assert event.convert(JSONEvent) is event
    order = event.convert(Order)
    assert type(order) is Order
    assert order.convert(JSONEvent) is order


def test_an_event_that_did_not_come_over_http_is_no_http_event() -> None:
    with pytest.raises(ConversionError, match="HTTP server"):
        Event("x").convert(HttpEvent)
    with pytest.raises(ConversionError, match="HTTP server"):
        over(Event("x"), HttpEvent).ensure()


def test_ensure_reads_what_another_format_brings() -> None:
    came = over(Event({"a": 1}), XMLEvent)
    came.ensure()
    assert came.data.text == "1"
    with pytest.raises(ConversionError):
        over(Event("text"), XMLEvent).ensure()


def test_replace_copies_and_leaves_the_original_alone() -> None:
    event = Event({"a": 1}, attributes={"n": 1}, http=Http())
    twin = event.replace("new", n=2, m=3)
    assert twin.http is not None
    twin.http.status = 404
    twin.failure = Failure("X", "y")
    assert (twin.id, twin.trace, twin.data, twin.attributes) == (event.id, event.trace, "new", {"n": 2, "m": 3})
    assert (event.data, event.attributes, event.failure) == ({"a": 1}, {"n": 1}, None)
    assert event.http is not None
    assert event.http.status == 0
    assert event.replace(None).data is None
    assert event.replace().data == {"a": 1}


def test_a_body_in_bytes_can_be_given_without_parsing_it() -> None:
    event = Event("x", attributes={"n": 1}).with_body("j", b"{")
    assert (event.encoded(), event.get("n")) == (("j", b"{"), 1)
    new = Event.unread("x", b"<", service="orders", http=Http())
    assert (new.encoded(), new.service, new.trace) == (("x", b"<"), "orders", new.id)


def test_a_context_that_came_without_its_parcel_brings_its_trace() -> None:
    event = Event("x", service="orders", attributes={"n": 1}, http=Http(user="ann"))
    context = msgspec.msgpack.decode(event.portable_context(), type=Context)
    there = Event.unread("t", b"y", context=context)
    assert (there.trace, there.service, there.attributes, there.data) == (event.trace, "orders", {"n": 1}, "y")
    assert there.http == event.http
    assert there.id != event.id


def test_an_event_made_from_nothing_joins_its_parents_trace() -> None:
    sent = Event("x", service="orders", http=Http(path="/a"))
    sent.reply_to = {"web": Waiter("web-1", b"k")}
    parent = over(sent)
    child = Event("y", attributes={"n": 1})
    child.adopt(parent)
    assert (child.trace, child.service, child.data) == (parent.trace, "orders", "y")
    assert child.http == parent.http
    assert (child.reply_to, child.get("n")) == (parent.reply_to, 1)
    bare = Event()
    bare.adopt(parent)
    assert (bare.data, bare.trace, bare.service) == (None, parent.trace, "orders")


def test_lookup_walks_through_data_attributes_and_http() -> None:
    event = Event(
        {"customer": [{"name": "ann"}]}, attributes={"a": {"b": 0}}, http=Http(headers={"host": "x"}), service="orders"
    )
    assert event.lookup("data/customer/0/name") == "ann"
    assert event.lookup(["attributes", "a", "b"]) == 0
    assert event.lookup("http/headers/host") == "x"
    assert event.lookup("service") == "orders"
    for path in ("data/customer/1/name", "data/customer/x", "data/nobody/home", "_context/trace", "nothing", "data/0"):
        assert event.lookup(path) is None


def test_a_failure_tells_the_status_of_its_class() -> None:
    class NoTotal(MalformedEvent):
        """A class of the user's."""

    assert Failure.of(NoTotal("no total", line=3, tree=object()), "auth") == Failure(
        "NoTotal", "no total", 400, "auth", {"line": 3}
    )
    assert Failure.of(Unauthorized()).status == 401
    assert Failure.of(KeyError("x")) == Failure("KeyError", "'x'", 500)
    assert Failure.of(ValueError()).message == "ValueError"


def test_a_failure_of_an_error_that_cannot_be_copied_travels() -> None:
    event = Event("x")
    with pytest.raises(etree.XMLSyntaxError) as caught:
        etree.fromstring("<a>")
    event.failure = Failure.of(caught.value)
    came = over(event)
    assert came.failure is not None
    assert came.failure.kind == "XMLSyntaxError"


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 10_000))
def test_ids_of_descendants_follow_from_their_parents(parent: int, salt: int, ordinal: int) -> None:
    made = derive_id(parent, salt, ordinal)
    assert 0 <= made < 2**64
    assert made == derive_id(parent, salt, ordinal)
    assert made != derive_id(parent, salt, ordinal + 1)
    assert made != derive_id(parent ^ 1, salt, ordinal)


def test_ids_are_new_in_this_process_and_in_a_child() -> None:
    script = (
        "import os, sys; from actorkit.event.ids import new_id\n"
        "first = new_id(); child = os.fork()\n"
        "print(first, new_id(), flush=True)\n"
        "child and os.waitpid(child, 0)"
    )
    path = str(Path(str(actorkit.__file__)).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60, env={"PYTHONPATH": path}
    )
    (first, here), (_, there) = (line.split() for line in done.stdout.splitlines())
    assert len({first, here, there}) == 3
    assert len({new_id() for _ in range(1000)}) == 1000


def test_who_knows_an_id_does_not_know_the_next_one() -> None:
    made = [new_id() for _ in range(2000)]
    steps = [(after - before) % 2**64 for before, after in pairwise(made)]
    assert min(steps) > 2**40
    assert len({step >> 56 for step in steps}) > 200, "all kinds of steps"
    assert all(bin(id_).count("1") > 8 for id_ in made)


def test_an_event_shows_what_a_person_needs() -> None:
    event = Event({"a": 1})
    assert repr(event) == f"<Event {event.id} format=j>"
    event.failure = Failure("MalformedEvent", "x", 400)
    parcel = event.parcel()
    parcel.redelivered = True
    assert repr(XMLEvent.received(parcel)) == f"<XMLEvent {event.id} format=j redelivered failure=MalformedEvent>"
    assert Event(None).text() == ""
    assert Event(b"\xff").text() == "\ufffd"


def test_an_event_whose_context_came_alone_keeps_its_trace_also_when_it_gets_an_id() -> None:
    first = Event(b"x", service="s")
    event = Event.unread("b", b"y", context=msgspec.msgpack.decode(first.portable_context(), type=Context))
    assert event.id != first.id
    assert event.trace == event.parcel().trace.to_bytes(8, "big").hex() == first.trace


def nested(depth: int) -> Any:
    value: Any = "x"
    for number in range(depth):
        value = {"a": value} if number % 2 else [value]
    return value


def test_attributes_have_a_depth_that_all_can_write_again() -> None:
    fits, deeper = nested(plain.MAX_DEPTH - 1), nested(plain.MAX_DEPTH)
    event = over(Event("x", attributes={"flat": 1, "deep": fits}))
    assert over(event.replace("y")).get("deep") == fits
    with pytest.raises(UnsendableData, match="attributes cannot be sent: they are nested more than 256 deep"):
        Event("x", attributes={"deep": deeper}).parcel()


@pytest.mark.parametrize(
    "context",
    [
        Context(attributes={"deep": nested(900)}),
        Context(failure=Failure("X", "x", details={"deep": nested(900)})),
        Context(failure=Failure("X", "x", messages=[ErrorMessage("x", details={"deep": nested(900)})])),
    ],
)
def test_what_a_peer_has_nested_deeper_is_refused(context: Context, tmp_path: Path) -> None:
    event = Event.received(Parcel(1, 1, "t", b"x", msgspec.msgpack.encode(context)))
    with pytest.raises(ConversionError, match="nested more than 256 deep"):
        _ = event.context
    keep(tmp_path, event)
    [letter] = letters(tmp_path)
    assert letter.body == b"x"
