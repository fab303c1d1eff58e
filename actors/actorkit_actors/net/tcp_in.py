"""Events out of TCP connections."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final

from gevent.pool import Pool
from gevent.server import StreamServer
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import EventError, NotAnswered, RequestFailed, SettingsError
from actorkit.event import body
from actorkit.params import Problem
from actorkit.transport.certificate import name_in
from actorkit.transport.tcp import listen, tls_context
from actorkit_actors.net.framing import Framing, FramingParams, TooLong

#: How much is read at once, in bytes.
CHUNK_BYTES: Final = 64 << 10
#: Longest time for the greeting of TLS, in seconds.
HANDSHAKE_S: Final = 10.0
#: How long connections have to come to their end when the instance ends, in seconds.
CLOSE_S: Final = 2.0


class TcpIn(Actor):
    """Makes an event of each message that comes over a TCP connection.

    A message ends with a line feed (`\\n` or `\\r\\n`), with a text of one's own, or has its length in front. It is
    text where it is UTF-8, else bytes; the attribute `peer` tells the address that it came from.

    With `reply` a peer is answered each message in turn, in the same framing: with the data of the event that comes
    back, or with an empty message when all that the event became is finished and nothing came back. When it failed,
    or took longer than `timeout_s`, the connection is closed: what was not answered is to be sent again. Without
    `reply` a peer is told nothing, and what an instance that is killed had read is lost; a full graph holds peers back.

    With `certfile` and `keyfile` it speaks TLS 1.2 and newer alone; with `client_ca` a peer has to show a certificate
    of one of these authorities, whose name (the common name, else the first of the others) is the attribute `client`.
    A peer that sends a longer message than allowed, or nothing for `idle_timeout_s`, is let go; more than
    `max_connections` wait. It lives in gevent's loop.
    """

    NAME: ClassVar[str] = "tcp-in"
    SETTLES: ClassVar[str] = (
        "with `reply` the peer is answered when its answer is there, or all is finished; else never"
    )
    REPEATS: ClassVar[str] = "no"
    ANSWERS: ClassVar[bool] = True
    LISTENS: ClassVar[dict[str, int]] = {"port": 7000}

    class Params(FramingParams, frozen=True, kw_only=True):
        host: Annotated[str, Meta(description="address to listen on")] = "0.0.0.0"
        port: Annotated[int, Meta(ge=1, le=65535, description="port to listen on")] = 7000
        reply: Annotated[bool, Meta(description="answer each message")] = False
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for an answer, with `reply`")] = 30.0
        idle_timeout_s: Annotated[float, Meta(gt=0, description="longest pause of a connection")] = 300.0
        max_connections: Annotated[int, Meta(ge=1, description="most open connections; further ones wait")] = 1000
        certfile: Annotated[
            str, Meta(description="certificate chain for TLS, PEM text; none: no TLS", extra={"file": True})
        ] = ""
        keyfile: Annotated[
            str, Meta(description="private key of the certificate, PEM text", extra={"file": True, "secret": True})
        ] = ""
        client_ca: Annotated[
            str, Meta(description="authorities that peers need a certificate of, PEM text", extra={"file": True})
        ] = ""

    params: Params
    _server: StreamServer | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Whether the certificate can be used."""
        try:
            tls_context(params.certfile, params.keyfile, params.client_ca)
        except SettingsError as exc:
            yield Problem("client_ca" if "the authorities" in str(exc) else "certfile", str(exc))

    def setup(self) -> None:
        """Listen."""
        self._tls = tls_context(self.params.certfile, self.params.keyfile, self.params.client_ca)
        self._pool = Pool(self.params.max_connections)
        server = StreamServer(listen(self.params.host, self.params.port), self._serve, spawn=self._pool)
        server.start()
        self._server = server

    def drain(self) -> None:
        """Take no connection and no message any more."""
        if self._server is not None:
            self._server.stop_accepting()
            self._server.close()

    def teardown(self) -> None:
        """Close the connections."""
        if self._server is not None:
            self._server.stop(timeout=0)
            self._pool.join(CLOSE_S if self.params.reply else 0)
            self._pool.kill(timeout=CLOSE_S)

    def _serve(self, connection: Any, address: Any) -> None:
        """One connection, to its end."""
        peer = f"{address[0]}:{address[1]}" if address else ""
        attributes = {"peer": peer}
        framing = Framing(self.params)
        try:
            if self._tls is not None:
                connection.settimeout(min(HANDSHAKE_S, self.params.idle_timeout_s))
                connection = self._tls.wrap_socket(connection, server_side=True)
                if self.params.client_ca:
                    attributes["client"] = name_in(connection.getpeercert())
            connection.settimeout(self.params.idle_timeout_s)
            while not self.runtime.draining and (data := connection.recv(CHUNK_BYTES)):
                for message in framing.feed(data):
                    answer = self._deal_with(message, attributes)
                    if answer is not None:
                        connection.sendall(framing.frame(answer))
            if framing.incomplete:
                self.log.warning(
                    "%s left in the midst of a message; its %d bytes are dropped", peer, framing.incomplete
                )
        except (TooLong, EventError) as exc:
            self.log.warning("%s is let go: %s", peer, exc)
        except (OSError, ssl.SSLError) as exc:
            self.log.info("%s has gone: %s", peer, exc)
        finally:
            connection.close()

    def _deal_with(self, message: bytes, attributes: dict[str, str]) -> bytes | None:
        """Send an event; what its peer is answered."""
        event = Event(body.from_outside(message), attributes=attributes)
        if not self.params.reply:
            self.send(event)
            return None
        try:
            answer = self.request(event, timeout_s=self.params.timeout_s)
        except NotAnswered:
            return b""
        if answer.failure is not None:
            raise RequestFailed(answer.failure, answer.failure.status, [])
        return answer.encoded()[1]
