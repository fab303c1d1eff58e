"""The tables of states of docs/protocol.md are what both ends of an edge do: each row is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import UnionType

import pytest

from actorkit.edge import wire
from actorkit.edge.suspects import LOST
from actorkit.event.parcel import Parcel, Suspicion
from tests.doc_tables import Row, states, told
from tests.places import DOCS
from tests.runtime.edge.ends import FAILED, ReceiverEnd, SenderEnd, parcel

TEXT = (DOCS / "protocol.md").read_text()
#: The event that both tables have.
BAD = "a frame that is no message"


def _after(*steps: Callable[[SenderEnd], object]) -> Callable[[SenderEnd], None]:
    def run(end: SenderEnd) -> None:
        for step in steps:
            step(end)

    return run


def _something_is_unacknowledged(end: SenderEnd) -> None:
    end.puts(instance="down-1")
    end.sender.frames.clear()


DRAINS, ANOTHER = SenderEnd.drains, SenderEnd.another_peer
OTHER_WELCOME = wire.Welcome(wire.VERSION + 1, "down", "down-1", 2)
SENDER_EVENTS: dict[str, Callable[[SenderEnd], object]] = {
    "an address is listed": SenderEnd.listed,
    "Welcome": lambda end: end.hears(wire.Welcome(wire.VERSION, "down", "down-1", 2)),
    "Welcome, the first one": SenderEnd.is_welcomed_late,
    "Welcome of another version": lambda end: end.hears(OTHER_WELCOME),
    "Welcome of another actor than before": lambda end: end.meets_another(),
    "Refuse": lambda end: end.hears(wire.Refuse("no")),
    "events are pending, and there is credit": SenderEnd.puts,
    "events are pending, and there is no credit": SenderEnd.out_of_credit,
    "events are pending": SenderEnd.puts,
    "Ack": lambda end: end.hears(wire.Ack(0, 0)),
    "Outcomes": lambda end: end.hears(wire.Outcomes([(1, FAILED)])),
    "Begin of a number": lambda end: end.hears(wire.Begin(1)),
    "Begin of 0": lambda end: end.hears(wire.Begin(0)),
    "End": lambda end: end.hears(wire.End(0, "stopped")),
    "Drain": lambda end: end.hears(wire.Drain()),
    "Drain, while this instance drains and has unfinished events": _after(DRAINS, lambda end: end.hears(wire.Drain())),
    "this instance will make nothing more": lambda end: end.sender.end(True),
    "a frame that is no message": lambda end: end.hears("no message"),
    "the connection breaks": SenderEnd.breaks,
    "this instance ends": lambda end: end.sender.say_bye(),
    "this instance ends, nothing is unacknowledged": lambda end: end.sender.say_bye(),
    "this instance ends, something is unacknowledged": _after(
        _something_is_unacknowledged, lambda end: end.sender.say_bye()
    ),
    "a request is given up": lambda end: end.sender.give_up([b"k"]),
    "events are pending, while this instance drains": _after(DRAINS, SenderEnd.puts),
    "an answer for this very instance is pending": lambda end: end.puts(instance="down-1"),
    "another peer is there, something is unacknowledged": _after(
        ANOTHER, _something_is_unacknowledged, lambda end: end.sender.dispatch(0.0)
    ),
    "another peer is there, nothing is unacknowledged": _after(ANOTHER, lambda end: end.sender.dispatch(0.0)),
}


@pytest.mark.parametrize("row", states(TEXT, "**The sender's end**"), ids=told)
def test_a_sender_does_what_its_table_says(row: Row) -> None:
    state, event, sends, after = row
    end = SenderEnd(state)
    SENDER_EVENTS[event](end)
    assert (end.sent(), end.state()) == (sends, after)


def test_a_lost_session_gives_back_what_was_not_acknowledged_in_front_and_marked() -> None:
    end = SenderEnd("open")
    end.out_of_credit()
    end.breaks()
    given_back = [parcel.redelivered for parcel, _ in end.sender.suspects.items]
    assert given_back == [Suspicion(1, [LOST])] * 2
    assert [one.redelivered for one in end.sender.pending] == [False]


def _hears(message: object) -> Callable[[ReceiverEnd], None]:
    return lambda end: end.hears(message)


def _crowded(busy: int) -> Callable[[ReceiverEnd], None]:
    def run(end: ReceiverEnd) -> None:
        end.is_crowded(busy)
        end.hears(end.hello())

    return run


def _full(end: ReceiverEnd) -> None:
    end.is_full()
    end.hears(end.hello())


def _no_room(end: ReceiverEnd) -> None:
    end.hears(wire.Outgoing(1, [Parcel(1, 1, "b", b"x" * 6000, b"")]))
    assert end.sent() == "–", "one message there is always room for"
    end.hears(wire.Outgoing(2, [Parcel(2, 1, "b", b"x" * 6000, b"")]))


def _shut_out(end: ReceiverEnd) -> None:
    end.is_shut_out()
    end.hears(end.hello())


def _another_crowds(end: ReceiverEnd) -> None:
    end.is_crowded()
    end.hears(end.hello(instance="late"), b"late")


def _hello_while_draining(end: ReceiverEnd) -> None:
    end.drains()
    end.hears(end.hello())


RECEIVER_EVENTS: dict[str, Callable[[ReceiverEnd], object]] = {
    "Hello": _hears(ReceiverEnd.hello()),
    "Hello of the same sender": _hears(ReceiverEnd.hello()),
    "Hello, while this instance drains": _hello_while_draining,
    "Hello of another version or topology": _hears(ReceiverEnd.hello(topology="other")),
    "Hello, with as many sessions as there may be, all with unfinished events": _crowded(2),
    "Hello, with as many sessions as there may be, one with nothing unfinished": _crowded(1),
    "Hello, from an instance with as many sessions as it may have": _full,
    "anything, after eight messages that were no good": _shut_out,
    "Hello of another sender, with as many sessions as there may be, nothing unfinished here": _another_crowds,
    "Batch": _hears(wire.Outgoing(1, [parcel()])),
    "Batch that follows, within the window": _hears(wire.Outgoing(1, [parcel(), parcel()])),
    "Batch with a gap": _hears(wire.Outgoing(2, [parcel()])),
    "Batch beyond the window": _hears(wire.Outgoing(1, [parcel()] * 3)),
    "Batch for whose bytes there is no room": _no_room,
    "Bye": _hears(wire.Bye()),
    "Stay": _hears(wire.Stay()),
    "Withdraw": _hears(wire.Withdraw([b"k"])),
    "Go": _hears(wire.Go(1)),
    "a suspect is about to be consumed": ReceiverEnd.asks,
    "a suspect was consumed": ReceiverEnd.consumes_a_suspect,
    "the process ends": lambda end: end.receiver.end("stopped"),
    "a frame that is no message": _hears("no message"),
    "events were consumed or finished": ReceiverEnd.consumes,
    "an outcome of an event is known, and the event is finished": ReceiverEnd.consumes_with_an_outcome,
    "the sender is gone": lambda end: end.receiver.gone(b"1"),
    "this instance begins to drain": lambda end: end.receiver.drain(),
    "this instance asks again": lambda end: end.receiver.drain(),
}


@pytest.mark.parametrize("row", states(TEXT, "**The receiver's end**"), ids=told)
def test_a_receiver_does_what_its_table_says(row: Row) -> None:
    state, event, sends, after = row
    end = ReceiverEnd(state)
    RECEIVER_EVENTS[event](end)
    assert (end.sent(), end.state()) == (sends, after)


@pytest.mark.parametrize(
    ("heading", "states_told", "union", "events"),
    [
        ("**The sender's end**", ("greeting", "open", "draining", "parted"), wire.FromReceiver, SENDER_EVENTS),
        ("**The receiver's end**", ("none", "open", "draining"), wire.FromSender, RECEIVER_EVENTS),
    ],
)
def test_in_every_state_every_message_stands_in_the_table_of_the_end_that_hears_it(
    heading: str, states_told: tuple[str, ...], union: UnionType, events: Mapping[str, object]
) -> None:
    rows = states(TEXT, heading)
    assert {event for _, event, _, _ in rows} == events.keys()
    assert {after for *_, after in rows} - {"lost"} == set(states_told)
    gone = "the sender is gone" if union is wire.FromSender else "the connection breaks"
    told_of = {(state, event if event in (gone, BAD) else re.split(r"\W", event)[0]) for state, event, _, _ in rows}
    wanted = {(state, what) for state in states_told for what in (gone, BAD, *(cls.__name__ for cls in union.__args__))}
    assert wanted - told_of == set()
