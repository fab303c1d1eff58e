"""The receiving socket of an instance: a ROUTER around a `Receiver`."""

from __future__ import annotations

import re
from collections.abc import Callable

import zmq

from actorkit.edge import wire
from actorkit.edge.receiver import Receiver
from actorkit.errors import SettingsError
from actorkit.transport.curve import demand_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ServerKeys
from actorkit.transport.socket import BURST, HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS, NOBLOCK, SNDMORE, EventSocket
from actorkit.transport.zap import ZapHandler


class Listener:
    """Binds the inbox endpoint, feeds the receiver, and sends its replies.

    `arrived` is called in the hub when events have come in. With `keys` nobody without one of them gets a frame in.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        receiver: Receiver,
        arrived: Callable[[], None],
        keys: ServerKeys | None = None,
    ) -> None:
        self.receiver = receiver
        self._arrived = arrived
        try:
            place = Endpoint.parse(endpoint)
        except ValueError as exc:
            raise SettingsError(f"the inbox: {exc}") from exc
        router = context.socket(zmq.ROUTER)
        router.setsockopt(zmq.LINGER, 0)
        router.setsockopt(zmq.SNDHWM, 0)
        router.setsockopt(zmq.RCVHWM, 0)
        router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        router.setsockopt(zmq.MAXMSGSIZE, wire.MAX_MESSAGE_BYTES)
        if place.transport == "tcp":
            router.setsockopt(zmq.IPV6, 1)
        # A peer that was cut off, or that stops reading, is let go; with it goes what was queued for it.
        router.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        router.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        self._zap_handler: ZapHandler | None = None
        if keys is not None:
            self._zap_handler = ZapHandler(context, keys.allowed)
            demand_keys(router, keys)
        self._monitor = EventSocket(router.get_monitor_socket(zmq.EVENT_DISCONNECTED), self._read_monitor)
        try:
            router.bind(endpoint)
        except zmq.ZMQError as exc:
            self._monitor.close()
            router.close()
            if self._zap_handler is not None:
                self._zap_handler.close()
            raise SettingsError(f'the inbox "{endpoint}" cannot be bound: {exc.strerror}. Is it in use?') from exc
        # An IPv4 address is shown as an IPv6 one that stands for it (RFC 4291 §2.5.5.2).
        self.endpoint = re.sub(r"\[::ffff:([0-9.]+)\]", r"\1", router.getsockopt_string(zmq.LAST_ENDPOINT))
        #: How many connections ended without a Bye, and how many with one.
        self.lost = 0
        self._partings = 0
        self._pump = EventSocket(router, self._read)
        self._pump.start()
        self._monitor.start()

    def _read(self) -> bool:
        pump, on_frame = self._pump, self.receiver.on_frame
        recv, recv_frame, more, readable = pump.recv, pump.recv_frame, pump.more, pump.readable
        for _ in range(BURST):
            if not readable():
                self._arrived()
                return False
            identity = recv(NOBLOCK)
            frame = recv_frame(NOBLOCK, False) if more() else None
            if frame is None or frame.more:
                # Anything but one frame is no message of ours; a ZMTP 1.0 peer can send even none.
                while more():
                    recv(NOBLOCK)
                on_frame(identity, b"")
            else:
                on_frame(identity, frame.buffer)
        self._arrived()
        return True

    def _read_monitor(self) -> bool:
        monitor = self._monitor
        while self._read():
            pass  # What the peer said before its connection ended comes first: it may be a Bye.
        while monitor.readable():
            monitor.recv(NOBLOCK)
            if monitor.more():
                continue
            if self._partings < self.receiver.goodbyes:
                self._partings += 1
            else:
                self.lost += 1
        return False

    @property
    def denied(self) -> int:
        """How many connections were refused because they had no key."""
        return self._zap_handler.denied if self._zap_handler is not None else 0

    def flush(self) -> None:
        """Send the acknowledgements and replies that are due."""
        self.receiver.write_acks()
        replies, self.receiver.replies = self.receiver.replies, []
        send = self._pump.send
        for identity, frame in replies:
            try:
                send(identity, SNDMORE)
                send(frame, NOBLOCK)
            except zmq.ZMQError:
                # EHOSTUNREACH: the peer is gone. It sends again what was not acknowledged.
                self.receiver.gone(identity)
        self._pump.look()

    def close(self) -> None:
        """Close the socket; last acknowledgements have half a second to leave."""
        self._monitor.close()
        self._pump.socket.disable_monitor()
        self._pump.close(linger_ms=500)
        if self._zap_handler is not None:
            self._zap_handler.close()
