"""A mail server of the test's own: aiosmtpd, in a thread."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as POLICY
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

from tests.ports import free_port


class Post:
    """What came: (recipients, mail). `refuses` has what is answered to a recipient."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refuses: dict[str, str] = {}
        self.encrypted: list[bool] = []

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = BytesParser(EmailMessage, policy=POLICY).parsebytes(envelope.original_content or b"")
        assert isinstance(mail, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), mail))
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    @staticmethod
    def login(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = (data.login, data.password) == (b"ann", b"secret-word")
        return AuthResult(success=known, handled=known)  # The server itself answers who is not let in.


@contextmanager
def running(post: Post, authority: trustme.CA | None = None, name: str = "localhost", port: int = 0) -> Iterator[int]:
    """A server that gives its mails to `post`; its port. With an authority it has STARTTLS, and wants a login."""
    given: dict[str, Any] = {}
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        given = {"tls_context": context, "require_starttls": True}
        given |= {"auth_required": True, "authenticator": post.login}
    controller = Controller(post, hostname="127.0.0.1", port=port or free_port(), **given)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
