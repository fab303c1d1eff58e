"""The receiving socket of an instance: a ROUTER around a `Receiver`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import gevent
import zmq

from actorkit.edge import wire
from actorkit.edge.receiver import Receiver
from actorkit.errors import SettingsError
from actorkit.transport.curve import demand_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ServerKeys
from actorkit.transport.socket import (
    BURST,
    CONTROL_FRAMES,
    HEARTBEAT_MS,
    HEARTBEAT_TIMEOUT_MS,
    NOBLOCK,
    SNDMORE,
    EventSocket,
)
from actorkit.transport.zap import ZapHandler

#: Messages that may wait in ZeroMQ's queue for a peer that does not read.
UNREAD_FRAMES: Final = 1024

#: Messages that may wait beyond that for a session: acknowledgements are gathered to one, outcomes are not.
MAX_WAITING: Final = wire.MAX_WINDOW + CONTROL_FRAMES

#: How often it is tried whether such a peer reads again, in seconds.
AGAIN_S: Final = 0.1

#: So often what the monitor tells is put off for messages that came before: a connection's queue is read in fewer.
MOST_PUT_OFF: Final = 1000


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
            bound = Endpoint.parse(endpoint)
        except ValueError as exc:
            raise SettingsError(f"the inbox: {exc}") from exc
        router = context.socket(zmq.ROUTER)
        router.setsockopt(zmq.LINGER, 0)
        # What a peer does not read waits in the receiver, in one message (`_send`). What it sends is bounded by its
        # window: an honest one never reaches this mark, beyond which its connection would hear no heartbeats and end.
        router.setsockopt(zmq.SNDHWM, UNREAD_FRAMES)
        router.setsockopt(zmq.RCVHWM, wire.MAX_WINDOW + CONTROL_FRAMES)
        router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        router.setsockopt(zmq.MAXMSGSIZE, wire.MAX_MESSAGE_BYTES)
        if bound.transport == "tcp":
            router.setsockopt(zmq.IPV6, 1)
            # The kernel lets go of a peer that was cut off or stops reading, and of what was queued for it.
            # libzmq's own heartbeats would end this process where one falls due for a connection that failed while
            # there was no room to read it (`Assertion failed: !_io_error`), which any stranger can bring about.
            router.setsockopt(zmq.TCP_KEEPALIVE, 1)
            router.setsockopt(zmq.TCP_KEEPALIVE_IDLE, HEARTBEAT_MS // 1000)
            router.setsockopt(zmq.TCP_KEEPALIVE_INTVL, HEARTBEAT_MS // 1000)
            router.setsockopt(zmq.TCP_KEEPALIVE_CNT, HEARTBEAT_TIMEOUT_MS // HEARTBEAT_MS)
            router.setsockopt(zmq.TCP_MAXRT, HEARTBEAT_TIMEOUT_MS)
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
        #: How often what the monitor tells was put off in a row, as there was something to read.
        self._put_off = 0
        #: What peers with a session have not read, oldest first; tried again until they do.
        self._unread: dict[bytes, list[bytes]] = {}
        self._again = gevent.get_hub().loop.timer(AGAIN_S, AGAIN_S)
        self._inbox_socket = EventSocket(router, self._read)
        self._inbox_socket.start()
        self._monitor.start()

    def _read(self) -> bool:
        inbox_socket, on_frame = self._inbox_socket, self.receiver.on_frame
        recv, recv_frame, more, readable = (
            inbox_socket.recv,
            inbox_socket.recv_frame,
            inbox_socket.more,
            inbox_socket.readable,
        )
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
        if self._put_off < MOST_PUT_OFF and self._read():
            # What the peer said before its connection ended comes first: it may be a Bye. Others have their turns
            # meanwhile, for there may be no end of what comes.
            self._put_off += 1
            return True
        self._put_off = 0
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

    @property
    def unread(self) -> int:
        """How many peers do not read what is sent to them."""
        return len(self._unread)

    def flush(self) -> None:
        """Send the acknowledgements and replies that are due."""
        self.receiver.write_acks()
        replies, self.receiver.replies = self.receiver.replies, []
        for identity, frame in replies:
            if (self._unread and identity in self._unread) or not self._send(identity, frame):
                self._wait(identity, frame)
        self._inbox_socket.recheck()

    def _send(self, identity: bytes, frame: bytes) -> bool:
        """Send one message; False when the peer does not read what was sent to it before."""
        try:
            self._inbox_socket.send(identity, SNDMORE)
            self._inbox_socket.send(frame, NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError:
            # EHOSTUNREACH: the peer is gone. It sends again what was not acknowledged.
            self.receiver.gone(identity)
        return True

    def _wait(self, identity: bytes, frame: bytes) -> None:
        """Keep a message for a peer that does not read. One that has no session waits for nothing that matters."""
        if identity not in self.receiver.sessions:
            return
        waiting = self._unread.setdefault(identity, [])
        waiting.append(frame)
        if len(waiting) > MAX_WAITING:
            del self._unread[identity]
            self.receiver.gone(identity)
            return
        self.receiver.stuck(identity)
        if not self._again.active:
            self._again.again(self._send_again)

    def _send_again(self) -> None:
        """Try to send what peers did not read before."""
        unread, self._unread = self._unread, {}
        for identity, frames in unread.items():
            while frames and self._send(identity, frames[0]):
                frames.pop(0)
            if frames:
                self._unread[identity] = frames
            else:
                self.receiver.reads_again(identity)
        if not self._unread:
            self._again.stop()
        if self.receiver.has_news:
            self.flush()

    def close(self) -> None:
        """Close the socket; last acknowledgements have half a second to leave."""
        self._again.stop()
        self._again.close()
        self._monitor.close()
        self._inbox_socket.socket.disable_monitor()
        self._inbox_socket.close(linger_ms=500)
        if self._zap_handler is not None:
            self._zap_handler.close()
