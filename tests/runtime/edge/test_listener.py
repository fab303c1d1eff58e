"""The receiving socket and strangers: a peer that does not read, and one that sends nothing but junk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from actorkit.edge import wire
from actorkit.edge.listener import UNREAD_FRAMES, Listener
from actorkit.edge.receiver import Receiver
from actorkit.event.parcel import Parcel
from tests.until import until


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    with zmq.Context() as made:
        yield made


@pytest.fixture
def listener(context: zmq.Context[zmq.Socket[bytes]]) -> Iterator[Listener]:
    made = Listener(context, "tcp://127.0.0.1:*", Receiver("t", "down", "down-1"), lambda: None)
    yield made
    made.close()


def dealer(context: zmq.Context[zmq.Socket[bytes]], listener: Listener, rcvhwm: int = 10) -> zmq.Socket[bytes]:
    """A peer whose own queues are short, so that what it does not read stays with the other side."""
    made = context.socket(zmq.DEALER)
    made.linger = 0
    made.rcvhwm = rcvhwm
    made.rcvbuf = 4096
    made.connect(listener.endpoint)
    return made


def fill(listener: Listener) -> None:
    """Say something to a peer that reads nothing until no queue on the way takes any more, however long it is."""

    def is_full() -> bool:
        listener.receiver.drain()
        listener.flush()
        return bool(listener.unread)

    until(is_full, "something that is said to it is queued nowhere", pause_s=0)


def test_a_peer_that_does_not_read_is_told_everything_when_it_does(
    context: zmq.Context[zmq.Socket[bytes]], listener: Listener
) -> None:
    count = 4 * UNREAD_FRAMES
    receiver = listener.receiver
    with dealer(context, listener) as peer:
        peer.send(wire.encode(wire.Hello(wire.VERSION, "t", "up", "up-1", "out", "up", count)))
        for number in range(1, count + 1):
            peer.send(wire.encode(wire.Outgoing(number, [Parcel(number, 0, "n", b"", b"")])))
        until(lambda: sum(receiver.inboxes.values()) == count, "all have come")
        (session,) = receiver.sessions.values()
        fill(listener)
        for number in range(count, 0, -1):  # each is told by itself, as those before it are not finished
            session.consume(1)
            session.finish(number)
            listener.flush()
        assert listener.unread == 1, "it reads nothing, and what it is to hear does not pile up in a queue"
        consumed, finished = 0, set[int]()
        peer.rcvtimeo = 20_000
        wire.decode_from_receiver(peer.recv())
        poller = zmq.Poller()
        poller.register(peer, zmq.POLLIN)
        while len(finished) < count:
            until(lambda: poller.poll(0), "there is more to read")
            message = wire.decode_from_receiver(peer.recv())
            if isinstance(message, wire.Drain):
                continue
            assert isinstance(message, wire.Ack)
            consumed = max(consumed, message.consumed)
            finished.update(message.acked_above, range(1, message.ack_floor + 1) if message.ack_floor == count else ())
        assert consumed == count
        until(lambda: listener.unread == 0, "nothing is kept any more")


def test_a_stranger_that_sends_junk_and_reads_nothing_gets_no_queue(
    context: zmq.Context[zmq.Socket[bytes]], listener: Listener
) -> None:
    with dealer(context, listener) as peer:
        for number in range(20_000):
            peer.send(b"junk %d" % number)
        rejected = listener.receiver.rejected
        until(lambda: sum(rejected.values()) == 20_000, "all is read and counted")
        assert rejected["shut-out"] > 19_000
        assert len(listener.receiver.replies) == 1
        listener.flush()
        assert listener.unread == 0
