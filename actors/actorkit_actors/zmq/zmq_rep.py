"""Answers to ZeroMQ's REQ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import gevent
import msgspec
import zmq
from gevent.pool import Pool
from msgspec import Meta

from actorkit import Event, Failure
from actorkit.errors import EventError, NotAnswered
from actorkit.event import messagepack
from actorkit.observe.figures import Figure
from actorkit_actors.zmq import message
from actorkit_actors.zmq.peer import PORT, PeerParams
from actorkit_actors.zmq.with_socket import WithSocket

#: How long answers have to be written when the instance ends, in seconds.
CLOSE_S: Final = 2.0
#: How long a peer that reads nothing is waited for, in seconds.
UNREAD_S: Final = 5.0


class ZmqRep(WithSocket):
    """Makes an event of each request of a REQ socket, and replies with what comes back.

    A request is one frame behind an empty one, as REQ sends it, and as a DEALER may that does without REQ's turns:
    what else comes is dropped and counted (`actorkit_zmq_refused_total`). `max_requests` are under way at a time,
    further ones wait. Peers connect to `host` and `port`, or to `socket_file`; with `connect` it is this actor that
    does, as where a proxy stands between.

    The reply is the data of the event that comes back, in the `format`. It is an empty frame when all that the event
    became is finished and nothing came back, and `{"errors": [{"message": …}], "status": …}` when it failed, when the
    request was not of the `format`, or when nothing had come after `timeout_s`. A peer whose instance is killed hears
    nothing, and has to ask again.

    It lives in gevent's loop. With `secret_key` it is CURVE that is spoken: with `connect` along with `public_key` and
    `server_key`, else with `allowed`.
    """

    NAME: ClassVar[str] = "zmq-rep"
    EXTRA: ClassVar[str] = "xml"
    SETTLES: ClassVar[str] = "the peer is answered when its answer or its failure is there, or all is finished"
    REPEATS: ClassVar[str] = "no"
    ANSWERS: ClassVar[bool] = True
    SOCKET: ClassVar[int] = zmq.ROUTER
    OPTIONS: ClassVar[Mapping[int, int]] = {zmq.ROUTER_MANDATORY: 1}
    LISTENS: ClassVar[dict[str, int]] = {"port": PORT}

    class Params(PeerParams, frozen=True, kw_only=True):
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for an answer")] = 30.0
        max_requests: Annotated[int, Meta(ge=1, description="requests that wait for answers; further ones wait")] = 100

    params: Params
    #: Messages that were no requests.
    _refused = 0

    def setup(self) -> None:
        """Listen, or connect."""
        super().setup()
        self._pool = Pool(self.params.max_requests)
        self._reading = gevent.spawn(self._read)

    def teardown(self) -> None:
        """Write the last answers, and close. Requests that came in the drain were answered that it is one."""
        if self._peers is not None:
            self._reading.kill()
            self._pool.join(CLOSE_S)
            self._pool.kill()
        super().teardown()

    def figures(self) -> Iterable[Figure]:
        """What came and was no request."""
        yield Figure("actorkit_zmq_refused_total", "Messages with another number of frames than wanted.", self._refused)

    def _read(self) -> None:
        while (frames := self._socket.receive()) is not None:
            # [peer, whatever REQ or proxies have put there, …, empty, body]
            if len(frames) < 3 or frames[-2] or b"" in frames[1:-2]:
                self._refuse(frames)
            else:
                self._pool.spawn(self._answer, frames[:-1], frames[-1])

    def _refuse(self, frames: Sequence[bytes]) -> None:
        self._refused += 1
        if self._refused == 1:
            self.log.warning("a message of %d frames is dropped, and so are more: it is none of REQ's", len(frames))

    def _answer(self, envelope: Sequence[bytes], request: bytes) -> None:
        try:
            reply = self._reply(request)
        except NotAnswered:
            reply = b""
        except EventError as exc:
            reply = self._failure(Failure.of(exc, self.name))
        try:
            if not self._socket.send([*envelope, reply], UNREAD_S):
                self.log.warning("a peer does not read its reply, which is dropped")
        except zmq.ZMQError as exc:
            self.log.info("a peer has gone before its reply: %s", exc.strerror)

    def _reply(self, request: bytes) -> bytes:
        event = Event(message.read(request, self.params.format))
        answer = self.request(event, timeout_s=self.params.timeout_s)
        return self._failure(answer.failure) if answer.failure is not None else message.of(answer, self.params.format)

    def _failure(self, failure: Failure) -> bytes:
        errors = [{"message": one.message, **({"code": one.code} if one.code else {})} for one in failure.errors]
        told: dict[str, Any] = {"errors": errors, "status": failure.status}
        return messagepack.write(told) if self.params.format == "msgpack" else msgspec.json.encode(told)
