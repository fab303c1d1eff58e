"""Events into a TCP connection."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final

from gevent import socket
from gevent.ssl import SSLContext
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import AnswerTimeout, ServiceUnavailable, SettingsError
from actorkit.event import body
from actorkit.params import Problem
from actorkit.transport.certificate import present, trust
from actorkit_actors.net.framing import Framing, FramingParams, TooLong

#: How much is read at once, in bytes.
CHUNK_BYTES: Final = 64 << 10


class _Peer:
    """A connection to the peer."""

    def __init__(self, connection: Any, params: FramingParams) -> None:
        self.connection = connection
        self.framing = Framing(params)

    def has_ended(self) -> bool:
        """Whether the peer has closed it, or says what nobody asked for. Tickets of TLS sessions are read over."""
        before = self.connection.gettimeout()
        self.connection.settimeout(0)
        try:
            self.connection.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(before)
        return True

    def answer(self) -> bytes:
        """The next message of the peer.

        Raises:
            OSError, TooLong: none comes.
        """
        while data := self.connection.recv(CHUNK_BYTES):
            messages = list(self.framing.feed(data))
            if messages:
                return messages[0]
        raise ConnectionError("the peer has closed the connection")


class TcpOut(Actor):
    """Sends each event as a message over a TCP connection, and passes it on.

    The body of the event is the message: it ends with a line feed, with a text of one's own, or has its length in
    front. Connections are kept, as many as events are under way (`concurrency`), and made anew when the peer has closed
    them.

    With `reply` an event is done when the peer has answered with a message, which is the data of the event that goes
    on. Without, it is done when the kernel has taken the message: what was under way when a peer vanished is lost
    then, and no one can tell.

    With `tls` it speaks TLS 1.2 and newer, and checks the peer's certificate and name; `ca` are the authorities for
    that, those of the system if there are none. A peer that wants a certificate is shown `certfile`. It lives in
    gevent's loop.

    Failures:
        MalformedEvent (400): the body is too long, or has in it what ends a message.
        ServiceUnavailable (503): the peer cannot be reached, or has closed the connection before it answered.
        AnswerTimeout (504): the peer has not taken the message, or not answered, within `timeout_s`.
    """

    NAME: ClassVar[str] = "tcp-out"
    SETTLES: ClassVar[str] = "with `reply` when the peer has answered, else when the kernel has taken the message"
    REPEATS: ClassVar[str] = "no"

    class Params(FramingParams, frozen=True, kw_only=True):
        host: Annotated[str, Meta(min_length=1, description="name or address of the peer")]
        port: Annotated[int, Meta(ge=1, le=65535, description="port of the peer")]
        reply: Annotated[bool, Meta(description="wait for a message of the peer after each")] = False
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for the peer at each step")] = 30.0
        tls: Annotated[bool, Meta(description="speak TLS")] = False
        ca: Annotated[
            str, Meta(description="authorities that the peer's certificate may be of, PEM text", extra={"file": True})
        ] = ""
        certfile: Annotated[
            str, Meta(description="own certificate chain for a peer that wants one, PEM text", extra={"file": True})
        ] = ""
        keyfile: Annotated[
            str, Meta(description="private key of that certificate, PEM text", extra={"file": True, "secret": True})
        ] = ""

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Whether the authorities can be used."""
        try:
            _tls_context(params)
        except SettingsError as exc:
            yield Problem("ca" if "the authorities" in str(exc) else "certfile", str(exc))

    def setup(self) -> None:
        """Read the authorities."""
        self._tls = _tls_context(self.params)
        self._idle: list[_Peer] = []

    def teardown(self) -> None:
        """Close the connections."""
        for peer in getattr(self, "_idle", ()):
            peer.connection.close()

    def consume(self, event: Event) -> Event:
        """Send the event."""
        message = Framing(self.params).frame(event.encoded()[1])
        where = f"{self.params.host}:{self.params.port}"
        peer = None
        try:
            peer = self._connect()
            peer.connection.sendall(message)
            answer = peer.answer() if self.params.reply else None
            self._idle.append(peer)
            peer = None
        except TimeoutError as exc:
            raise AnswerTimeout(f"{where} has not answered within {self.params.timeout_s:g} s") from exc
        except (OSError, TooLong) as exc:
            raise ServiceUnavailable(f"{where} does not take the message: {exc}") from exc
        finally:
            if peer is not None:
                peer.connection.close()
        return event if answer is None else event.become(Event, body.from_outside(answer))

    def _connect(self) -> _Peer:
        while self._idle:
            peer = self._idle.pop()
            if not peer.has_ended():
                return peer
            peer.connection.close()
        connection = socket.create_connection((self.params.host, self.params.port), self.params.timeout_s)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self.params.host)
        except BaseException:
            connection.close()
            raise
        return _Peer(connection, self.params)


def _tls_context(params: TcpOut.Params) -> SSLContext | None:
    if not params.tls:
        return None
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if params.ca:
        trust(context, params.ca)
    else:
        context.load_default_certs()
    present(context, params.certfile, params.keyfile)
    return context
