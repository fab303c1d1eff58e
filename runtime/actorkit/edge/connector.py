"""The sending sockets of one connection: a DEALER for each peer, around a `Sender`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent
import zmq
from gevent.event import Event as Flag
from zmq.utils.monitor import parse_monitor_message

from actorkit.edge import wire
from actorkit.edge.pauses import Pauses
from actorkit.edge.send_session import SendSession
from actorkit.edge.sender import Sender
from actorkit.transport.curve import present_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.io_yield import BACKLOG_BYTES, yield_to_io
from actorkit.transport.keys import ClientKeys
from actorkit.transport.resolver import Resolver
from actorkit.transport.socket import BURST, CONTROL_FRAMES, HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS, NOBLOCK, EventSocket

#: How often the addresses behind a name are looked up, in seconds.
FOLLOW_S = 1.0

#: So long a peer may take to say Welcome before the log tells of it, in seconds.
WELCOME_S = 10.0

_LOST = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_MET = zmq.EVENT_HANDSHAKE_SUCCEEDED

_HUNG_UP = "whoever answers there hangs up before any Welcome: something else may have the port"

log = logging.getLogger("actorkit.edge")


class Connector:
    """Opens a socket to every address behind the connection and follows as they come and go.

    `acknowledged` is called in the hub when peers have said something, so that acknowledgements travel on. `addresses`
    tells what stands behind an endpoint now. A peer that has said no Welcome after `welcome_s` seconds is logged.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        sender: Sender,
        acknowledged: Callable[[], None],
        keys: ClientKeys | None = None,
        addresses: Callable[[str], list[str]] | None = None,
        welcome_s: float = WELCOME_S,
    ) -> None:
        self.sender = sender
        self._context = context
        self._keys = keys
        self._acknowledged = acknowledged
        self._addresses = addresses or Resolver().addresses
        self._sockets: dict[SendSession, tuple[EventSocket, EventSocket | None]] = {}
        self._check = Flag()
        #: Addresses where nobody lets this actor in: asking without a pause would keep both ends busy.
        self._pauses = Pauses()
        #: When sessions that nobody has welcomed yet met somebody who speaks ZMTP.
        self._met: dict[SendSession, float] = {}
        self._welcome_s = welcome_s
        self._closed = False
        self._follower = gevent.spawn(self._follow)

    def _follow(self) -> None:
        endpoints = self.sender.peers.endpoints
        moving = any(Endpoint.parse(endpoint).names_can_change for endpoint in endpoints)
        while not self._closed:
            found = [address for endpoint in endpoints for address in self._addresses(endpoint)]
            if self._closed:
                return
            now = time.monotonic()
            for address in sorted(self.sender.follow(found)):
                if self._pauses.is_over(address, now):
                    self._open(address)
            for session in list(self.sender.sessions.values()):
                if not session.listed and not session.unacked and (not session.instance or session.bye):
                    self._drop(session)
            self._look_for_strangers(now)
            self._acknowledged()
            settled = not moving and not self.sender.replies and self.sender.connected == len(found)
            self._check.wait(None if settled else FOLLOW_S)
            self._check.clear()

    def _look_for_strangers(self, now: float) -> None:
        """Tell of peers that take what they are sent and do not welcome this actor."""
        for session, met in list(self._met.items()):
            if session.instance:
                del self._met[session]
            elif now - met >= self._welcome_s:
                del self._met[session]
                why = f"no Welcome for {self._welcome_s:g} s: the peer is busy, or something else has the port"
                self._warn(session, why)

    def _warn(self, session: SendSession, why: str) -> None:
        log.warning("outbox %s: %s: %s", self.sender.outbox, session.address, why)

    def _open(self, address: str) -> None:
        session = self.sender.open(address)
        dealer = self._context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        # A peer with a window of W events has at most W batches under way, and answers each event with at most three
        # messages. So an honest one never reaches these marks, which matters: a connection that is not read for want
        # of room hears no heartbeats either, and ends.
        window = self.sender.peers.options.window
        dealer.setsockopt(zmq.SNDHWM, window + CONTROL_FRAMES)
        dealer.setsockopt(zmq.RCVHWM, 3 * window + CONTROL_FRAMES)
        dealer.setsockopt(zmq.MAXMSGSIZE, wire.MAX_MESSAGE_BYTES)
        dealer.setsockopt(zmq.RECONNECT_IVL, 100)
        dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        present_keys(dealer, self._keys)
        monitor = None
        if not Endpoint.parse(address).is_of_this_process:
            dealer.setsockopt(zmq.IPV6, 1)
            dealer.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
            dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
            monitor = EventSocket(dealer.get_monitor_socket(_LOST | _MET), lambda: self._read_monitor(session))
        peer_socket = EventSocket(dealer, lambda: self._read(session))
        self._sockets[session] = (peer_socket, monitor)
        dealer.connect(address)
        peer_socket.start()
        if monitor is not None:
            monitor.start()

    def _read(self, session: SendSession) -> bool:
        peer_socket = self._sockets[session][0]
        for _ in range(BURST):
            if not peer_socket.readable():
                self._acknowledged()
                return False
            drained = session.draining
            trouble = self.sender.on_frame(session, peer_socket.recv(NOBLOCK))
            if session.draining and not drained:
                self._check.set()  # Who takes its place may be there already.
            if trouble:
                if self._pauses.begin(session.address, trouble, time.monotonic(), not session.turned_away):
                    self._warn(session, trouble)
                self._drop(session, died=False)
                self._check.set()
                self._acknowledged()
                return False
        self._acknowledged()
        return True

    def _read_monitor(self, session: SendSession) -> bool:
        monitor = self._sockets[session][1]
        lost = False
        while monitor is not None and monitor.readable():
            event = parse_monitor_message([monitor.recv(NOBLOCK), monitor.recv(NOBLOCK)])["event"]
            lost = lost or bool(event & _LOST)
            if event & _MET and not session.instance:
                self._met.setdefault(session, time.monotonic())
        if lost:
            # What the peer said before its connection ended comes first: it may be how it ends.
            while session in self._sockets and self._read(session):
                pass
        if lost and session in self._sockets:
            at_once = self._lose(session) and bool(session.instance)
            if at_once and session.listed and not session.bye and not self._closed:
                self._open(session.address)
            self._acknowledged()
        return False

    def _lose(self, session: SendSession) -> bool:
        """A connection has ended. Whether it may be made again at once."""
        now = time.monotonic()
        self._drop(session)
        if self._pauses.lose(session.address, "" if session.instance else _HUNG_UP, now) and not self._closed:
            self._warn(session, _HUNG_UP)
        self._check.set()
        return self._pauses.is_over(session.address, now)

    def _drop(self, session: SendSession, died: bool = True) -> None:
        self.sender.lost(session, died)
        self._met.pop(session, None)
        peer_socket, monitor = self._sockets.pop(session)
        if monitor is not None:
            monitor.close()
            peer_socket.socket.disable_monitor()
        peer_socket.close()

    def flush(self) -> None:
        """Send what there is to send and credit for."""
        if not self.sender.has_work:
            return
        self.sender.dispatch(time.monotonic())
        if self.sender.replies:
            self._check.set()
        self._write()

    def _write(self) -> None:
        frames, self.sender.frames = self.sender.frames, []
        for session, frame in frames:
            if session in self._sockets:
                peer_socket = self._sockets[session][0]
                try:
                    peer_socket.send(frame, NOBLOCK)
                except zmq.Again:
                    # The peer does not read, or it is one in this process that has closed its socket.
                    self._lose(session)
                else:
                    if len(frame) >= BACKLOG_BYTES:
                        yield_to_io()
                    self.sender.reuse(frame)
                    peer_socket.recheck()

    def close(self) -> None:
        """Say goodbye to every peer and close the sockets."""
        self._closed = True
        self._check.set()
        self.sender.say_bye()
        self._write()
        for peer_socket, monitor in self._sockets.values():
            if monitor is not None:
                monitor.close()
                peer_socket.socket.disable_monitor()
            peer_socket.close(linger_ms=200)
        self._sockets.clear()
