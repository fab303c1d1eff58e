"""One broker as a client sees it: whether it is there, and the sockets that carry calls to it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

import gevent
import zmq
from gevent.event import AsyncResult, Event
from zmq.backend import Socket

from actorkit.mdp.errors import FrameError
from actorkit.mdp.frames import DRAINING, MAX_BODY, Part, client_request, parse_answer
from actorkit.transport.curve import present_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ClientKeys
from actorkit.transport.socket import HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS, receive

_NOBLOCK = int(zmq.NOBLOCK)
_SEND_MORE = int(zmq.SNDMORE | zmq.NOBLOCK)
_WRITABLE = int(zmq.POLLOUT)

#: How long what a broker sent before it ended may take to be read, in seconds: the probe's connection and those of the
#: calls are not seen to end in the order in which they did.
GRACE_S: Final = 0.05

_monitor_numbers = count()

_UP = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
_DOWN = int(zmq.EVENT_DISCONNECTED)
_FAILED = int(
    zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)

#: What a probe asks. The second is answered when the broker begins to drain.
_QUESTIONS: Final = (client_request(MAX_BODY, [b""]), client_request(DRAINING, [b""]))

#: How long a large request waits until the broker has said how large one may be, in seconds.
ASK_TIMEOUT_S: Final = 1.0


class CallSocket:
    """A DEALER that carries one call at a time: RFC 7/MDP has no correlation id, the socket itself is it.

    The socket's FD is edge-triggered: it is drained when it becomes readable, and once after every send.
    """

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._calls = 0
        self._answer: AsyncResult[list[bytes] | None] | None = None
        self._watcher: Any = gevent.get_hub().loop.io(int(socket.get(zmq.FD)), 1)
        self._watcher.start(self._drain)

    def ask(self, frames: Sequence[Part], timeout_s: float) -> list[bytes] | None:
        """Send a request and wait for the answer; None when the connection was lost.

        Raises:
            gevent.Timeout: none came in time.
        """
        self._calls += 1
        self._answer = answer = AsyncResult()
        try:
            for part in frames[:-1]:
                self._socket.send(part, _SEND_MORE)
            self._socket.send(frames[-1], _NOBLOCK)
            self._drain()
            received: list[bytes] | None = answer.get(timeout=timeout_s)
            return received
        finally:
            self._answer = None

    def is_quiet(self) -> bool:
        """Whether nothing lies unread; what does belongs to an earlier call."""
        return receive(self._socket) is None

    def abort(self, grace_s: float = 0.0) -> None:
        """End the call that waits, if any, without an answer, unless one comes within the grace."""
        if self._answer is not None:
            gevent.spawn_later(grace_s, self._abort_now, self._calls)

    def _abort_now(self, call: int) -> None:
        if call != self._calls or self._answer is None:
            return  # that call has ended
        self._drain()
        if not self._answer.ready():
            self._answer.set(None)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._socket.close(0)

    def _drain(self) -> None:
        frames = receive(self._socket)
        while frames is not None:
            if self._answer is not None and not self._answer.ready():
                self._answer.set(frames)
            frames = receive(self._socket)


class BrokerConnection:
    """One broker's address.

    A probe connection of its own tells, through its monitor, whether the broker is there: `up` after the handshake
    (which includes that it lets us in), not up when the connection ends, which for a killed broker takes milliseconds
    and for a silent one `HEARTBEAT_TIMEOUT_MS`. Then every call under way ends, and all sockets are closed.

    With `watch` the probe asks the broker to tell when it begins to drain (`mmi.draining`): a client that asks seldom
    would else send its next request to a broker that is just closing its socket. It asks also how large a request may
    be (`mmi.max_body`): a frame that is far too large ends its connection, and nobody is told why. A broker that does
    not know a question answers 501.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        keys: ClientKeys | None,
        changed: Callable[[], None],
        *,
        watch: bool = True,
    ) -> None:
        self.address = address
        self.up = False
        #: False: the address is not listed any more. New calls come here only where no other broker is.
        self.listed = True
        #: True: the broker said that it is about to end.
        self.draining = False
        self.last_used = 0
        self._context = context
        self._keys = keys
        self._changed = changed
        self._watch = watch
        #: Whether the broker has been asked on the present connection.
        self._asked = not watch
        #: The largest request that the broker takes, in bytes; None: it has not said so, or not yet.
        self._max_body_bytes: int | None = None
        #: Set when it has answered, or will not.
        self._answered = Event()
        if not watch:
            self._answered.set()
        self._free: list[CallSocket] = []
        self._busy: set[CallSocket] = set()
        self._closed = False
        self._probe = self._new_socket()
        name = f"inproc://actorkit.mdp.connection.{next(_monitor_numbers)}"
        self._probe.monitor(name, _UP | _DOWN | _FAILED)
        self._monitor = Socket(context, zmq.PAIR)
        self._monitor.connect(name)
        self._probe.connect(address)
        self._watcher: Any = gevent.get_hub().loop.io(int(self._monitor.get(zmq.FD)), 1)
        self._watcher.start(self.read_monitor)
        self._probe_watcher: Any = gevent.get_hub().loop.io(int(self._probe.get(zmq.FD)), 1)
        self._probe_watcher.start(self._read_probe)
        self.read_monitor()

    def __repr__(self) -> str:
        state = "down" if not self.up else "draining" if self.draining else "up"
        unlisted = "" if self.listed else ", unlisted"
        calls = f"{self.in_use} calls, {len(self._free)} free sockets"
        return f"<BrokerConnection to {self.address}: {state}{unlisted}, {calls}>"

    @property
    def usable(self) -> bool:
        """Whether new calls may go here."""
        return self.up and not self.draining

    @property
    def in_use(self) -> int:
        """Number of calls under way."""
        return len(self._busy)

    def max_body_bytes(self) -> int | None:
        """The largest request that the broker takes; None where it does not say. Waits for its answer, but not long."""
        if not self._answered.wait(ASK_TIMEOUT_S):
            self._answered.set()  # nor does the next one wait
        return self._max_body_bytes

    def read_monitor(self) -> None:
        """Read what the monitor says, so that no call goes to a broker that is known to have ended."""
        if self._closed:
            return
        heard = False
        frames = receive(self._monitor)
        while frames is not None:
            event, _ = struct.unpack("=hi", frames[0]) if len(frames[0]) == 6 else (0, 0)
            if event & _UP:
                heard = self.up = True
                self.draining = False
                if self._watch:
                    self._asked = False
                    self._answered.clear()
            elif event & (_DOWN | _FAILED):
                heard = True
                self.up = False
                self._drop(GRACE_S)
            frames = receive(self._monitor)
        self._read_probe()
        if heard:
            self._changed()

    def take(self) -> CallSocket:
        """A socket for one call; give it back with `give_back`."""
        while self._free:
            call_socket = self._free.pop()
            if call_socket.is_quiet():
                break
            call_socket.close()
        else:
            socket = self._new_socket()
            socket.connect(self.address)
            call_socket = CallSocket(socket)
        self._busy.add(call_socket)
        return call_socket

    def give_back(self, call_socket: CallSocket, *, answered: bool) -> None:
        """Keep the socket for another call if it was answered; else close it, as an answer may yet come."""
        self._busy.discard(call_socket)
        if answered and self.up and not self._closed:
            self._free.append(call_socket)
        else:
            call_socket.close()

    def close(self) -> None:
        """End every call and close every socket."""
        self._closed = True
        self.up = False
        self._drop(0.0)
        for watcher in (self._watcher, self._probe_watcher):
            watcher.stop()
            watcher.close()
        self._probe.monitor(None, 0)
        self._probe.close(0)
        self._monitor.close(0)

    def _new_socket(self) -> Socket:
        socket = Socket(self._context, zmq.DEALER)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.set(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        socket.set(zmq.RECONNECT_IVL, 50)
        socket.set(zmq.RECONNECT_IVL_MAX, 1000)
        socket.set(zmq.IPV6, int(Endpoint.parse(self.address).is_ipv6))
        present_keys(socket, self._keys)
        return socket

    def _read_probe(self) -> None:
        """Ask the broker, once for each connection; take its answers."""
        if self._closed:
            return
        frames = receive(self._probe)
        while frames is not None:
            self._on_probe_reply(frames)
            frames = receive(self._probe)
        if self.up and not self._asked and int(self._probe.get(zmq.EVENTS)) & _WRITABLE:
            self._asked = True
            for question in _QUESTIONS:
                for part in question[:-1]:
                    self._probe.send(part, _SEND_MORE)
                self._probe.send(question[-1], _NOBLOCK)

    def _on_probe_reply(self, frames: list[bytes]) -> None:
        service = frames[2] if len(frames) > 2 else b""
        try:
            (answer,) = parse_answer(frames, service)
        except (FrameError, ValueError):
            return  # a foreign broker's own words
        if service == DRAINING and answer == b"200":
            self.draining = True
            self._changed()
        elif service == MAX_BODY:
            # 501 is how a broker says that it does not know the question.
            self._max_body_bytes = int(answer) if answer.isdigit() and answer != b"501" else None
            self._answered.set()

    def _drop(self, grace_s: float) -> None:
        for call_socket in self._busy:
            call_socket.abort(grace_s)
        for call_socket in self._free:
            call_socket.close()
        self._free.clear()
