"""How the two ends of an edge tell each other that no more will come."""

from __future__ import annotations

from actorkit.edge import wire
from actorkit.edge.receiver import Receiver
from actorkit.event.parcel import Parcel
from tests.runtime.edge.ends import SenderEnd


def receiver() -> Receiver:
    return Receiver("t", "down", "down-1")


def hello(instance: str) -> bytes:
    return wire.encode(wire.Hello(wire.VERSION, "t", "up", instance, "down", "up", 4))


def test_the_input_has_ended_when_every_sender_that_is_still_there_has_said_so() -> None:
    made = receiver()
    for number, identity in enumerate((b"1", b"2", b"3")):
        made.on_frame(identity, hello(instance=f"up-{number}"))
    made.on_frame(b"1", wire.encode(wire.Stay(True, False)))
    made.on_frame(b"2", wire.encode(wire.Stay(False, False)))
    made.on_frame(b"3", wire.encode(wire.Bye()))
    assert made.at_end
    made.on_frame(b"2", wire.encode(wire.Outgoing(1, [Parcel(1, 0, "n", b"", b"")])))
    assert not made.at_end, "more came after all"
    made.on_frame(b"2", wire.encode(wire.Stay(False, False)))
    made.drain()
    assert made.at_end
    made.on_frame(b"2", wire.encode(wire.Stay(True, True)))
    assert not made.at_end, "one began to drain a moment later, and sends on"
    made.on_frame(b"2", wire.encode(wire.Bye()))
    made.on_frame(b"4", hello(instance="up-4"))
    assert not made.at_end, "a new one has said nothing yet"


def test_without_senders_only_a_drain_is_an_end() -> None:
    made = receiver()
    assert not made.at_end
    made.drain()
    assert made.at_end


def said(end: SenderEnd) -> list[wire.Stay]:
    """What the sender has said since the last look; each is a Stay."""
    frames = [wire.decode_from_sender(bytes(frame)) for _, frame in end.sender.frames]
    end.sender.frames.clear()
    return [one for one in frames if isinstance(one, wire.Stay)]


def test_a_sender_that_goes_on_sends_nothing_more_to_a_peer_that_drains() -> None:
    end = SenderEnd("open")
    end.hears(wire.Drain())
    assert said(end) == [wire.Stay(needed=False, sends=False)]


def test_a_sender_that_drains_says_when_it_will_make_nothing_more_and_takes_it_back() -> None:
    end = SenderEnd("open")
    end.drains()
    end.hears(wire.Drain())
    assert said(end) == [wire.Stay(needed=True, sends=True)]
    end.sender.end(True)
    end.sender.end(True)
    assert said(end) == [wire.Stay(needed=True, sends=False)], "once"
    end.hears(wire.Drain())
    assert said(end) == [wire.Stay(needed=True, sends=False)]
    end.sender.end(False)
    assert said(end) == [wire.Stay(needed=True, sends=True)]


def test_what_waits_for_a_peer_is_still_to_come() -> None:
    end = SenderEnd("draining")
    end.drains()
    end.out_of_credit()
    end.sender.frames.clear()
    end.sender.end(True)
    assert said(end) == [], "one event has no credit yet"
    end.hears(wire.Ack(2, 0))
    end.sender.dispatch(0.0)
    end.sender.frames.clear()
    end.sender.end(True)
    assert said(end) == [wire.Stay(needed=True, sends=False)]


def test_a_sender_that_sends_one_more_event_after_all_says_again_that_it_is_at_its_end() -> None:
    end = SenderEnd("open")
    end.drains()
    end.sender.end(True)
    assert said(end) == [wire.Stay(needed=True, sends=False)]
    end.puts()
    end.sender.dispatch(0.0)
    end.sender.frames.clear()
    end.sender.end(True)
    assert said(end) == [wire.Stay(needed=True, sends=False)], "the batch took it back"
    end.sender.end(True)
    assert said(end) == []
