"""Mails in, by SMTP."""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import ActorkitError, NotAnswered, SettingsError
from actorkit.event.parcel import MAX_BODY_BYTES
from actorkit.params import Problem
from actorkit.transport.certificate import present

#: What a client hears that is to come again.
_LATER: Final = "451 4.3.0 not now; try again later"
#: Recipients of one mail; RFC 5321 wants a hundred to be possible.
_MAX_RECIPIENTS: Final = 100
#: The statuses of failures that a later attempt may not meet.
_MAY_GET_BETTER: Final = (408, 429)


class SMTPIn(Actor):
    """Makes an event of each mail that an SMTP client brings, and takes it when that is finished.

    The data is the mail as it came (RFC 5322, bytes); the attributes `sender`, `recipients` and `client` are of the
    envelope. The client hears 250 when the event and everything that it became are finished, or when something comes
    back: until then the mail is the client's. When it failed the client hears 554, and does not send it again, or 451
    for what may get better (500 and above, 408, 429), for a mail that takes longer than `timeout_s`, and while the
    instance drains. A client that has not heard 250 brings the mail again, as another event.

    With `certfile` there is STARTTLS. With `users` a client has to log in, by STARTTLS only. With `domains` only mails
    to these are taken. There is nothing that sends mails on to others: what becomes of them is the graph's.

    aiosmtpd serves, in the asyncio loop of the instance.
    """

    NAME: ClassVar[str] = "smtp-in"
    EXTRA: ClassVar[str] = "mail"
    ANSWERS = True
    SETTLES: ClassVar[str] = "250 when all is finished or an answer is there; 554 or 451 when it failed"
    REPEATS: ClassVar[str] = "no"
    LISTENS: ClassVar[dict[str, int]] = {"port": 2525}

    class Params(Actor.Params, frozen=True, kw_only=True):
        host: Annotated[str, Meta(description="address to listen on")] = "0.0.0.0"
        port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0: a free one")] = 2525
        hostname: Annotated[str, Meta(min_length=1, description="name by which it greets")] = "localhost"
        domains: Annotated[tuple[str, ...], Meta(description="domains whose mail is taken; empty: all")] = ()
        users: Annotated[
            str, Meta(description="name:password of those who may send, a line each; none: all", extra={"secret": True})
        ] = ""
        certfile: Annotated[
            str, Meta(description="certificate chain for STARTTLS, PEM text; none: no TLS", extra={"file": True})
        ] = ""
        keyfile: Annotated[
            str, Meta(description="private key of the certificate, PEM text", extra={"file": True, "secret": True})
        ] = ""
        max_mail_bytes: Annotated[int, Meta(ge=1024, le=MAX_BODY_BYTES, description="largest mail")] = 8 << 20
        max_connections: Annotated[int, Meta(ge=1, description="open connections; beyond it 421")] = 100
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait until a mail is finished; then 451")] = 120.0
        idle_timeout_s: Annotated[float, Meta(gt=0, description="longest pause of a client")] = 60.0

    params: Params
    #: None until `setup` listens.
    _loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Users without TLS or a password, and a certificate that is none."""
        if params.users and not params.certfile:
            yield Problem("users", "passwords are not taken in the clear; give certfile and keyfile")
        for number, line in enumerate(params.users.splitlines(), start=1):
            if not all(line.partition(":")):
                yield Problem("users", f"line {number} is not name:password")
        try:
            _tls_context(params.certfile, params.keyfile)
        except SettingsError as error:
            yield Problem("certfile", str(error))

    async def setup(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        # It logs what clients say, and so passwords too.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self._connections: set[_Connection] = set()
        self._tls = _tls_context(self.params.certfile, self.params.keyfile)
        self._users = dict(line.split(":", 1) for line in self.params.users.splitlines())
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self.params.host, self.params.port)
        self._loop = loop
        self.port = self._server.sockets[0].getsockname()[1]

    def drain(self) -> None:
        """Take no new connections; those that are there hear 451 for each mail."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._server.close)

    def teardown(self) -> None:
        """Close the connections."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.end()

    def _connection(self) -> _Connection:
        return _Connection(
            self,
            hostname=self.params.hostname,
            ident="actorkit",
            data_size_limit=self.params.max_mail_bytes,
            timeout=self.params.idle_timeout_s,
            enable_SMTPUTF8=True,
            tls_context=self._tls,
            auth_required=bool(self._users),
            require_starttls=bool(self._users),
            authenticator=self._login,
            loop=self._loop or asyncio.get_running_loop(),
        )

    def _login(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:  # noqa: ARG002
        known = False
        if isinstance(data, LoginPassword):
            wanted = self._users.get(data.login.decode("utf-8", "replace"))
            # Compared in any case, so that the time does not tell who there is.
            same = hmac.compare_digest((wanted or "").encode(), data.password)
            known = same and wanted is not None
        return AuthResult(success=known, handled=False)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self,
        server: Any,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """What a client hears of a recipient."""
        if self.params.domains and address.rpartition("@")[2].lower() not in self.params.domains:
            return "550 5.7.1 no mail is taken for that domain"
        if len(envelope.rcpt_tos) >= _MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """What a client hears of its mail, when that is decided."""
        event = Event(bytes(envelope.original_content or b""))
        event.attributes.update(
            sender=envelope.mail_from, recipients=list(envelope.rcpt_tos), client=str((session.peer or ("",))[0])
        )
        try:
            answer = await self.ask(event, timeout_s=self.params.timeout_s)
        except NotAnswered:
            return "250 2.0.0 OK"
        except ActorkitError as error:
            return self._refusal(error.status)
        return self._refusal(answer.failure.status) if answer.failure is not None else "250 2.0.0 OK"

    def _refusal(self, status: int) -> str:
        # What went wrong stands in the dead letters and the log; a stranger need not know it.
        return _LATER if status >= 500 or status in _MAY_GET_BETTER else "554 5.6.0 the mail cannot be processed"

    def join(self, connection: _Connection) -> bool:
        """Count a connection; False when there are too many."""
        self._connections.add(connection)
        return len(self._connections) <= self.params.max_connections

    def leave(self, connection: _Connection) -> None:
        """A connection is closed."""
        self._connections.discard(connection)


class _Connection(SMTP):
    """One client."""

    def connection_made(self, transport: Any) -> None:
        """Begin, unless there are too many; also called when TLS begins."""
        if not self.event_handler.join(self):
            transport.write(b"421 4.3.2 too many connections; try again later\r\n")
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The client has gone."""
        self.event_handler.leave(self)
        if self.transport is not None:
            super().connection_lost(error)

    def end(self) -> None:
        """Hang up."""
        if self.transport is not None:
            self.transport.close()


def _tls_context(certificate: str, key: str) -> ssl.SSLContext | None:
    """A server's context; None without a certificate.

    Raises:
        SettingsError: one is missing, or cannot be read.
    """
    if not certificate and not key:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    present(context, certificate, key)
    return context
