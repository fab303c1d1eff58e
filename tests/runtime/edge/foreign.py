"""Peers that speak the edge protocol message by message, over real sockets, and decide nothing by themselves."""

from __future__ import annotations

from typing import Any

import zmq

from actorkit.edge import wire
from actorkit.event.parcel import Parcel
from tests.until import until


class ForeignSender:
    """A DEALER at an inbox. Its own queue is short, so that what it does not read stays at the other side."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, instance: str = "up-1") -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.rcvhwm = 10
        self._socket.rcvbuf = 4096
        self._socket.connect(endpoint)
        self._instance = instance
        self._next = 1

    def hello(self, window: int = 64, inbox: str = "up") -> wire.Welcome:
        """Begin a session."""
        self.say(wire.Hello(wire.VERSION, "test", "up", self._instance, "down", inbox, window))
        welcome = self.hear()
        assert isinstance(welcome, wire.Welcome)
        return welcome

    def batch(self, *parcels: Parcel, now_ms: int | None = None) -> None:
        """Send events under the next numbers. `now_ms` is the clock that their deadlines are times of."""
        redelivered = any(parcel.redelivered for parcel in parcels)
        if now_ms is None:
            self.say(wire.Outgoing(self._next, list(parcels), redelivered))
        else:
            self.say(wire.OutgoingRequests(self._next, list(parcels), redelivered, now_ms))
        self._next += len(parcels)

    def say(self, message: object) -> None:
        self._socket.send(wire.encode(message))

    def hear(self) -> wire.FromReceiver:
        """The next message of the receiver."""
        until(lambda: self._socket.poll(0))
        message: wire.FromReceiver = wire.decode_from_receiver(self._socket.recv())
        return message

    def hear_floor(self, ack_floor: int) -> None:
        """Hear acknowledgements until all numbers up to that one are finished."""
        while True:
            message = self.hear()
            if isinstance(message, wire.Ack) and message.ack_floor >= ack_floor:
                return

    def close(self) -> None:
        self._socket.close(0)


class ForeignReceiver:
    """A ROUTER with an inbox, and the one sender that it has heard last."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, instance: str = "down-1") -> None:
        self._socket = context.socket(zmq.ROUTER)
        self._socket.bind(endpoint)
        self._instance = instance
        self._identity = b""

    def welcome(self, window: int = 64) -> wire.Hello:
        """Wait for a session and let it begin."""
        hello = self.hear()
        assert isinstance(hello, wire.Hello)
        self.say(wire.Welcome(wire.VERSION, "down", self._instance, window))
        return hello

    def hear(self) -> wire.FromSender:
        """The next message of a sender."""
        until(lambda: self._socket.poll(0))
        self._identity, frame = self._socket.recv_multipart()
        message: wire.FromSender = wire.decode_from_sender(frame)
        return message

    def hear_events(self, count: int) -> list[wire.Delivery]:
        """Events of the next batches."""
        heard: list[wire.Delivery] = []
        while len(heard) < count:
            batch = self.hear()
            assert isinstance(batch, wire.Batch)
            heard += batch.parcels
        return heard

    def say(self, message: object) -> None:
        self._socket.send_multipart([self._identity, wire.encode(message)])

    def close(self) -> None:
        self._socket.close(0)
