"""One HTTP/1.1 connection: requests in, responses out, in order (RFC 9112)."""

from __future__ import annotations

import logging
import socket
import struct
import time
from typing import Any, Final, Protocol

import gevent
from gevent.socket import SHUT_WR

from actorkit_actors.http import message
from actorkit_actors.http.budget import Lease
from actorkit_actors.http.guard import Guard
from actorkit_actors.http.message import Refusal, Request, Response
from actorkit_actors.http.parser import Limits, Parser

_log = logging.getLogger(__name__)

#: How much is read at a time of a client that is refused, in bytes.
READ_BYTES: Final = 65536

#: Bytes that fall into more pieces than this are hard to read: crumbs, or a crowd of small requests.
HARD_PIECES: Final = 32

#: Pause after such bytes, in seconds: longer than they take, so that most of the time is left to others. (A sleep of 0
#: would not do: gevent runs what is ready again and again before it looks at sockets.)
PAUSE_S: Final = 0.001

#: After so many bytes of a body on end there is such a pause, too: a socket that always has more to read would else
#: keep its greenlet running until the whole body is there, and many of them one after the other.
STRETCH_BYTES: Final = 128 << 10

#: How long a connection is read on after a refusal, so that the client sees the answer instead of a reset, in seconds;
#: and where connections are many.
LINGER_S: Final = 2.0
SHORT_LINGER_S: Final = 0.1

#: So many bytes have to pass in a stretch of time for a client to count as one that gets on.
PROGRESS_BYTES: Final = 65536

#: States of TCP in which the client may still read: it has closed nothing, or its sending side (tcp(7), TCP_INFO).
_OPEN: Final = frozenset({1, 8})

_NO_LINGER: Final = struct.pack("ii", 1, 0)


class ClientGone(gevent.GreenletExit):  # type: ignore[misc]  # gevent has no types
    """Thrown into the greenlet of a connection whose client has hung up."""


class ClientTooSlow(gevent.GreenletExit):  # type: ignore[misc]  # as above
    """Thrown into the greenlet of a connection whose client took too long."""


class Evicted(gevent.GreenletExit):  # type: ignore[misc]  # as above
    """Thrown into the greenlet of a connection whose client does not get on while others need its memory."""


class Handler(Protocol):
    """What a connection asks of its server."""

    @property
    def draining(self) -> bool:
        """Whether this is the last response on every connection."""

    def respond(self, request: Request, remote: str) -> Response:
        """Answer a request; never raises for what the request says."""

    def refuse(self, refusal: Refusal, headers: dict[str, str], remote: str) -> Response:
        """The answer to what is no request that can be served."""


class Connection:
    """Serves one client. `remote` is the client's address; the socket is closed at the end of `serve`."""

    def __init__(self, sock: Any, remote: str, handler: Handler, guard: Guard, limits: Limits) -> None:
        self._sock = sock
        self._remote = remote
        self._handler = handler
        self._guard = guard
        self._limits = limits
        self._parser = Parser(limits, guard.budget, self._begun, guard.make_room)
        self._open = True
        self._busy = False
        #: Whether it ends with the next answer.
        self._last = False
        #: Whether its last bytes were hard to read.
        self._hard = False
        #: The answer that is being sent, where its client did not take it at once.
        self._sending: Lease | None = None
        #: Bytes that were read since the others had their turns.
        self._stretch = 0
        #: Bytes that have come or gone since `_moved`.
        self._bytes = 0
        #: When `PROGRESS_BYTES` had come or gone last, in seconds of the monotonic clock.
        self._moved = 0.0
        self._greenlet: Any = None
        loop = gevent.get_hub().loop
        self._watch = loop.io(sock.fileno(), 1)
        self._recheck = loop.timer(1.0, 1.0)
        #: When the connection is given up, in seconds of the monotonic clock; infinite while an answer is awaited.
        self.deadline = time.monotonic() + limits.idle_timeout_s

    @property
    def idle(self) -> bool:
        """Whether no request has begun to arrive or waits for its answer."""
        return not self._busy and not self._parser.reading and not self._parser.requests

    def __repr__(self) -> str:
        state = "idle" if self.idle else "answering" if self._busy else "reading"
        if self._recheck.active:
            state += ", its end is looked for by the clock"
        return f"<Connection {self._remote} {state}>"

    def stuck_since(self) -> float:
        """Since when the client has neither sent nor read enough; infinite where it does all that it can, 0 where
        requests wait behind another one, for these are the first to go."""
        if self._greenlet is gevent.getcurrent():
            return float("inf")
        if self._waiting:
            return 0.0 if self._parser.requests else float("inf")
        return self._moved

    def idle_since(self) -> float:
        """Since when the connection has been idle; infinite where it is not."""
        return self.deadline - self._limits.idle_timeout_s if self.idle else float("inf")

    @property
    def held(self) -> int:
        """Bytes of the budget that would be given back if the client were given up."""
        if self._sending is not None:
            return self._sending.size
        return self._parser.waiting if self._waiting else self._parser.held

    @property
    def _waiting(self) -> bool:
        """Whether an answer is waited for."""
        return self._busy and self._sending is None

    def expire(self) -> None:
        """Give the connection up. Called from another greenlet."""
        self.deadline = float("inf")
        if self._greenlet is not None:
            self._greenlet.kill(ClientTooSlow, block=False)

    def evict(self) -> None:
        """Give the connection up; what it holds is given back at once. One whose answer is waited for ends with that;
        the requests behind it are not served. Called from another greenlet."""
        self._parser.drop()
        if self._waiting:
            self._last = True
            self._guard.count("pipelined")
            return
        if self._sending is not None:
            self._sending.release()
        self.deadline = float("inf")
        self._greenlet.kill(Evicted, block=False)

    def serve(self) -> None:
        """Read requests and write responses until one side has enough."""
        self._greenlet = gevent.getcurrent()
        try:
            self._serve()
        except ClientTooSlow:
            if self._sending is not None:
                self._abandon()
            elif not self.idle and not self._busy:
                self._refuse(Refusal(408, "the request did not come in time", "slow"))
        except Evicted:
            if self._sending is not None:
                self._abandon()
            else:
                self._refuse(Refusal(503, "the request came too slowly, and others needed its memory", "stalled"))
        except ClientGone:
            _log.debug("%s hung up before its answer", self._remote)
        except OSError as exc:
            _log.debug("%s: %s", self._remote, exc)
        finally:
            self._parser.drop()
            if self._sending is not None:
                self._sending.release()
            for watcher in (self._watch, self._recheck):
                watcher.stop()
                watcher.close()
            self._sock.close()

    def _serve(self) -> None:
        parser = self._parser
        more = True
        while more and self._open:
            more = self._read()
            self._answer_all()
            if self._stretch >= STRETCH_BYTES:
                self._stretch = 0
                gevent.sleep(PAUSE_S)
            if parser.expects and self._open:
                parser.expects = False
                self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read(self) -> bool:
        """Read some bytes; False when no more will come. (A function of its own, so that the bytes are gone while an
        answer is waited for: they are up to 64 KiB that no budget counts.)"""
        parser, data = self._parser, self._sock.recv(self._parser.appetite)
        if not data:
            parser.end()
            return False
        if self._hard:
            self._feed_hard(data)
        else:
            parser.feed(data)
            self._hard = parser.pieces > HARD_PIECES
        if parser.reading:
            self._stretch += len(data)
            self._progress(len(data))
        return True

    def _answer_all(self) -> None:
        """Answer the requests that are complete."""
        parser, requests = self._parser, self._parser.requests
        while requests and self._open:
            self._answer(requests.popleft())
            if requests:
                self._let_others()
        if parser.refusal is not None and self._open:
            self._open = False
            self._refuse(parser.refusal)

    def _let_others(self) -> None:
        """More requests wait on this connection: the others have their turns first, and a crowd waits for its own."""
        if self._hard:
            with self._guard.lane:
                gevent.sleep(PAUSE_S)
        else:
            gevent.sleep(0)

    def _feed_hard(self, data: bytes) -> None:
        """Read bytes of a client whose last ones were hard to read: one such client at a time, with a pause."""
        with self._guard.lane:
            self._parser.feed(data)
            self._hard = self._parser.pieces > HARD_PIECES
            gevent.sleep(PAUSE_S)

    def _begun(self) -> None:
        """A request begins to arrive."""
        now = time.monotonic()
        self.deadline = now + self._limits.idle_timeout_s
        self._moved, self._bytes = now, 0

    def _progress(self, size: int) -> None:
        """So many bytes have come or gone."""
        self._bytes += size
        if self._bytes >= PROGRESS_BYTES:
            self._moved, self._bytes = time.monotonic(), 0

    def _answer(self, request: Request) -> None:
        self._busy = True
        self.deadline = float("inf")
        self._watch.start(self._readable)
        try:
            response = self._handler.respond(request, self._remote)
        finally:
            self._watch.stop()
            self._recheck.stop()
            request.release()
        self._open = request.keep_alive and not self._handler.draining and not self._last
        first, body = message.write(
            response, keep_alive=self._open, version=request.version, head=request.method == "HEAD"
        )
        self.deadline = time.monotonic() + self._limits.idle_timeout_s
        # gevent's sendall asks for the size of the send buffer each time, a sixth of all work on small responses.
        sent = self._sock.send(first)
        if body or sent < len(first):
            self._send(memoryview(first)[sent:], memoryview(body))
        self._busy = False

    def _send(self, *pieces: memoryview) -> None:
        """Send what the client does not take at once. It counts until it is gone: who does not read holds memory."""
        self._sending = lease = Lease(self._guard.budget)
        self._moved, self._bytes = time.monotonic(), 0
        lease.force(sum(map(len, pieces)))
        if self._guard.budget.over:
            self._guard.make_room()
        for piece in pieces:
            while piece:
                sent = self._sock.send(piece)
                piece = piece[sent:]
                moved = self._moved
                self._progress(sent)
                if self._moved != moved:
                    self.deadline = self._moved + self._limits.idle_timeout_s
        lease.release()
        self._sending = None

    def _abandon(self) -> None:
        """The client does not read: nothing of its answer is kept, in the kernel neither."""
        self._guard.count("unread")
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)

    def _readable(self) -> None:
        """Something came while an answer is awaited: an end, or the next request, which has to wait."""
        if self._hung_up():
            self._greenlet.kill(ClientGone, block=False)
        else:
            self._watch.stop()
            self._recheck.start(self._look_again)

    def _look_again(self) -> None:
        if self._hung_up():
            self._greenlet.kill(ClientGone, block=False)

    def _hung_up(self) -> bool:
        """Whether the client has reset the connection; TCP knows it even while unread data stands before the end.

        One that has only closed its sending side may well read its answer: whether it does, the answer shows.
        """
        try:
            state: bytes = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        except OSError:
            return True
        return state[0] not in _OPEN

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what is not a request that can be served, and close without a reset."""
        first, body = message.write(self._handler.refuse(refusal, self._parser.headers, self._remote), keep_alive=False)
        self._parser.drop()
        self._guard.leaving += 1
        try:
            with gevent.Timeout(SHORT_LINGER_S if self._guard.crowded else LINGER_S, False):
                self._sock.sendall(first + body)
                self._sock.shutdown(SHUT_WR)
                while self._sock.recv(READ_BYTES):
                    # What nobody needs must not take the time of those who are served: one client at a time.
                    with self._guard.away:
                        gevent.sleep(PAUSE_S)
        except OSError as exc:
            _log.debug("%s: %s", self._remote, exc)
        finally:
            self._guard.leaving -= 1
