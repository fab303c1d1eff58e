"""Questions to ZeroMQ's REP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import zmq
from msgspec import Meta

from actorkit import Event
from actorkit.errors import AnswerTimeout, ServiceUnavailable
from actorkit_actors.zmq import message
from actorkit_actors.zmq.peer import ConnectParams
from actorkit_actors.zmq.socket import PeerSocket
from actorkit_actors.zmq.with_socket import WithSocket


class ZmqReq(WithSocket):
    """Sends each event as a request to a REP socket, waits for its reply, and goes on with that as data.

    A request is one frame, and so is a reply; where several peers are named, each gets its turn. The frame in front
    that ties a reply to its request is REQ's own (REQ_CORRELATE): REP gives it back, and a ROUTER that answers as REP
    does. Sockets are kept, as many as events are under way (`concurrency`); one whose reply did not come is closed, so
    that no later event gets it.

    An event is done when the peer has replied. Whether a peer that does not reply has done what it was asked for,
    nobody can tell: `retries` may have it done twice. A reply that is not of the `format` is text, or bytes.

    It waits in gevent's loop. `format` says what the frames hold. With `secret_key`, `public_key` and `server_key` it
    is CURVE that is spoken.

    Failures:
        MalformedEvent (400): the data cannot be had in the `format`.
        ServiceUnavailable (503): no peer is there within `timeout_s`.
        AnswerTimeout (504): the peer has not replied within `timeout_s`.
    """

    NAME: ClassVar[str] = "zmq-req"
    EXTRA: ClassVar[str] = "xml"
    SETTLES: ClassVar[str] = "when the peer has replied"
    REPEATS: ClassVar[str] = "no"
    SOCKET: ClassVar[int] = zmq.REQ
    OPTIONS: ClassVar[Mapping[int, int]] = {zmq.REQ_CORRELATE: 1}

    class Params(ConnectParams, frozen=True, kw_only=True):
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for a peer, and then for its reply")] = 30.0

    params: Params

    def setup(self) -> None:
        """Be ready to ask."""
        super().setup()
        self._idle = [self._socket]

    def consume(self, event: Event) -> Event:
        """Ask."""
        frame = message.of(event, self.params.format)
        socket = self._idle.pop() if self._idle else self.open()
        try:
            reply = self._ask(socket, frame)
        except BaseException:
            socket.close(0)
            raise
        self._idle.append(socket)
        return event.become(Event, message.lenient(reply, self.params.format))

    def _ask(self, socket: PeerSocket, frame: bytes) -> bytes:
        if not socket.send([frame], self.params.timeout_s):
            raise ServiceUnavailable(f"{self.params.where} is not there")
        reply = socket.receive(self.params.timeout_s)
        if reply is None:
            raise AnswerTimeout(f"{self.params.where} has not replied within {self.params.timeout_s:g} s")
        if len(reply) > 1:
            raise ServiceUnavailable(f"{self.params.where} has replied with {len(reply)} frames, and one is wanted")
        return reply[0]
