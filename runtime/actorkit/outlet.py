"""The sending sockets of one connection: a DEALER for each peer, around a `Sender`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent
import zmq
from gevent.event import Event as Flag
from zmq.utils.monitor import parse_monitor_message

from actorkit import resolve, wire
from actorkit.handover import BACKLOG_BYTES, hand_over
from actorkit.link import Link
from actorkit.mdp.keys import ClientKeys
from actorkit.pump import BURST, NOBLOCK, Pump
from actorkit.sender import Sender

#: How often the addresses behind a name are looked up, in seconds.
FOLLOW_S = 1.0

_LOST = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL

log = logging.getLogger("actorkit.outlet")


class Outlet:
    """Opens a socket to every address behind the connection and follows as they come and go.

    `acknowledged` is called in the hub when peers have said something, so that acknowledgements travel on.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        sender: Sender,
        acknowledged: Callable[[], None],
        keys: ClientKeys | None = None,
    ) -> None:
        self.sender = sender
        self._context = context
        self._keys = keys
        self._acknowledged = acknowledged
        self._sockets: dict[Link, tuple[Pump, Pump | None]] = {}
        self._check = Flag()
        self._closed = False
        self._follower = gevent.spawn(self._follow)

    def _follow(self) -> None:
        endpoints = self.sender.peers.endpoints
        moving = any(resolve.changes(endpoint) for endpoint in endpoints)
        while not self._closed:
            found = [address for endpoint in endpoints for address in resolve.addresses(endpoint)]
            if self._closed:
                return
            for address in sorted(self.sender.follow(found)):
                self._open(address)
            for link in list(self.sender.links.values()):
                if not link.listed and not link.unacked and (not link.instance or link.bye):
                    self._drop(link)
            self._acknowledged()
            settled = not moving and not self.sender.homing and self.sender.connected == len(found)
            self._check.wait(None if settled else FOLLOW_S)
            self._check.clear()

    def _open(self, address: str) -> None:
        link = self.sender.open(address)
        dealer = self._context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.SNDHWM, 0)
        dealer.setsockopt(zmq.RCVHWM, 0)
        dealer.setsockopt(zmq.MAXMSGSIZE, wire.MAX_MESSAGE_BYTES)
        dealer.setsockopt(zmq.RECONNECT_IVL, 100)
        dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        if self._keys is not None:
            self._keys.apply(dealer)
        monitor = None
        if not address.startswith("inproc://"):
            dealer.setsockopt(zmq.IPV6, 1)
            dealer.setsockopt(zmq.HEARTBEAT_IVL, wire.HEARTBEAT_MS)
            dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, wire.HEARTBEAT_TIMEOUT_MS)
            monitor = Pump(dealer.get_monitor_socket(_LOST), lambda: self._read_monitor(link))
        pump = Pump(dealer, lambda: self._read(link))
        self._sockets[link] = (pump, monitor)
        dealer.connect(address)
        pump.start()
        if monitor is not None:
            monitor.start()

    def _read(self, link: Link) -> bool:
        pump = self._sockets[link][0]
        for _ in range(BURST):
            if not pump.readable():
                self._acknowledged()
                return False
            trouble = self.sender.on_frame(link, pump.recv(NOBLOCK))
            if trouble:
                log.warning("outbox %s: %s: %s", self.sender.outbox, link.address, trouble)
                self._drop(link)
                self._check.set()
                self._acknowledged()
                return False
        self._acknowledged()
        return True

    def _read_monitor(self, link: Link) -> bool:
        monitor = self._sockets[link][1]
        lost = False
        while monitor is not None and monitor.readable():
            frames = [monitor.recv(NOBLOCK), monitor.recv(NOBLOCK)]
            lost = lost or bool(parse_monitor_message(frames)["event"] & _LOST)
        if lost:
            welcomed = bool(link.instance)
            self._drop(link)
            if welcomed and link.listed and not link.bye and not self._closed:
                self._open(link.address)
            self._check.set()
            self._acknowledged()
        return False

    def _drop(self, link: Link) -> None:
        self.sender.lost(link)
        pump, monitor = self._sockets.pop(link)
        if monitor is not None:
            monitor.close()
            pump.socket.disable_monitor()
        pump.close()

    def flush(self) -> None:
        """Send what there is to send and credit for."""
        self.sender.dispatch(time.monotonic())
        if self.sender.homing:
            self._check.set()
        self._write()

    def _write(self) -> None:
        frames, self.sender.frames = self.sender.frames, []
        for link, frame in frames:
            if link in self._sockets:
                pump = self._sockets[link][0]
                try:
                    pump.send(frame, NOBLOCK)
                except zmq.Again:
                    # Queues have no limit, so there is no pipe: a peer in this process has closed its socket.
                    self._drop(link)
                    self._check.set()
                else:
                    if len(frame) >= BACKLOG_BYTES:
                        hand_over()
                    self.sender.reuse(frame)
                    pump.look()

    def close(self) -> None:
        """Say goodbye to every peer and close the sockets."""
        self._closed = True
        self._check.set()
        self.sender.say_bye()
        self._write()
        for pump, monitor in self._sockets.values():
            if monitor is not None:
                monitor.close()
                pump.socket.disable_monitor()
            pump.close(linger_ms=200)
        self._sockets.clear()
