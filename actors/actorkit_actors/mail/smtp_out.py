"""Mails, one for each event."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable
from contextlib import closing
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta

from actorkit import Actor, Event, MalformedEvent, UnprocessableEvent
from actorkit.errors import EventError, Forbidden, ServiceUnavailable
from actorkit.params import Problem

#: A mail address that needs no quoting (RFC 5321, Dot-string "@" Domain, and the letters of RFC 6531).
_ADDRESS: Final = re.compile(r"[^\x00-\x20\x7f()<>\[\]:;@\\,\"]+@[^\x00-\x20\x7f()<>\[\]:;@\\,\"]+")
#: What ends a line of a header, and other characters that have no business there.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
#: Fields that the event may fill, and names of one's own; all others are the actor's.
_FIELDS: Final = ("To", "Cc", "Bcc", "Reply-To", "Subject", "In-Reply-To", "References")
_OWN: Final = re.compile(r"X-[A-Za-z0-9-]{1,70}")
_ADDRESSED: Final = ("To", "Cc", "Bcc", "Reply-To")
_RECIPIENTS: Final = ("To", "Cc", "Bcc")
#: The first status by which a server says that it will never take something.
_FOR_EVER: Final = 500


class SMTPOut(Actor):
    """Sends each event as a mail to an SMTP server, and passes it on.

    The event's data is the text. `fields` takes To, Cc, Bcc, Reply-To, Subject, In-Reply-To, References and any X-…
    from the event: `{To: attributes/to}`; `to` and `subject` stand for those that are missing there. A line break or
    another control character in a field is refused, so is what is no address, and with `domains` an address anywhere
    else. The Message-ID is made of the event's key: a mail that is sent twice, because the actor was killed before it
    was acknowledged, has the same one.

    Certificates are verified, by the system's authorities or by `ca`. A server that offers no STARTTLS where that is
    wanted gets neither the password nor the mail. Each mail has a connection of its own, which waits in gevent's loop:
    `concurrency` is how many there are.

    Failures:
        MalformedEvent (400): a field has a line break or no address, or there is nobody to send to.
        Forbidden (403): an address is in none of `domains`.
        UnprocessableEvent (422): the server refuses the mail or a recipient for good; the others have it then.
        ServiceUnavailable (503): the server is not there, not who it should be, or wants the mail later; `retries` may
            help.
    """

    NAME: ClassVar[str] = "smtp-out"
    SETTLES: ClassVar[str] = "when the server has taken the mail"
    REPEATS: ClassVar[str] = "no"

    class Params(Actor.Params, frozen=True, kw_only=True):
        host: Annotated[str, Meta(min_length=1, description="the server")]
        port: Annotated[int, Meta(ge=1, le=65535, description="its port")] = 587
        security: Annotated[
            Literal["starttls", "tls", "none"],
            Meta(description="TLS by STARTTLS, from the first byte (port 465), or none"),
        ] = "starttls"
        ca: Annotated[str, Meta(description="authorities as PEM that are trusted; empty: the system's")] = ""
        username: Annotated[str, Meta(description="who logs in; empty: nobody does")] = ""
        password: Annotated[str, Meta(description="password of username", extra={"secret": True})] = ""
        sender: Annotated[str, Meta(min_length=1, description="address that the mail is from")]
        to: Annotated[tuple[str, ...], Meta(description="addresses that get it, unless fields names others")] = ()
        subject: Annotated[str, Meta(description="subject, unless fields names another")] = ""
        fields: Annotated[dict[str, str], Meta(description="field of the mail → path in the event")] = {}
        domains: Annotated[tuple[str, ...], Meta(description="domains of recipients that are allowed; empty: all")] = ()
        subtype: Annotated[Literal["plain", "html"], Meta(description="whether the text is plain or HTML")] = "plain"
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for each answer of the server")] = 30.0

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Addresses that are none, fields that are not the event's, a password in the clear."""
        for path, address in (("sender", params.sender), *(("to", address) for address in params.to)):
            if not _ADDRESS.fullmatch(address):
                yield Problem(path, f"{address!r} is no mail address")
        for name in params.fields:
            if name not in _FIELDS and not _OWN.fullmatch(name):
                yield Problem("fields", f"{name} is none of {', '.join(_FIELDS)}, and does not begin with X-")
        if not params.to and not set(params.fields) & set(_RECIPIENTS):
            yield Problem("to", "nobody gets the mail; name addresses here, or To in fields")
        if params.username and params.security == "none":
            yield Problem("security", "a password is not sent in the clear; take starttls or tls")
        if params.ca:
            try:
                ssl.create_default_context(cadata=params.ca)
            except (ssl.SSLError, ValueError) as error:
                yield Problem("ca", f"no certificate can be read: {error}")

    def setup(self) -> None:
        """Read the authorities."""
        self._tls = ssl.create_default_context(cadata=self.params.ca or None)

    def consume(self, event: Event) -> Event:
        """Send the mail."""
        message, recipients = self._write(event)
        try:
            with closing(self._connect()) as server:
                refused = server.send_message(message, self.params.sender, recipients)
                _quit(server)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients, len(recipients)) from error
        except smtplib.SMTPResponseException as error:
            login = isinstance(error, smtplib.SMTPAuthenticationError)
            said = f"{error.smtp_code} {_text(error.smtp_error)}"
            kind = UnprocessableEvent if error.smtp_code >= _FOR_EVER and not login else ServiceUnavailable
            raise kind(
                f"{self.params.host} {'lets nobody in' if login else 'does not take the mail'}: {said}"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise ServiceUnavailable(f"no mail can be sent by {self.params.host}: {_text(str(error))}") from error
        except ValueError as error:  # an address that smtplib cannot write, or text that it cannot encode
            raise MalformedEvent(f"the mail cannot be written: {type(error).__name__}") from error
        if refused:
            raise _refusal(refused, len(recipients))
        return event

    def _connect(self) -> smtplib.SMTP:
        given = self.params
        if given.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(given.host, given.port, timeout=given.timeout_s, context=self._tls)
        else:
            server = smtplib.SMTP(given.host, given.port, timeout=given.timeout_s)
        try:
            if given.security == "starttls":
                server.starttls(context=self._tls)
            if given.username:
                server.login(given.username, given.password)
        except BaseException:
            server.close()
            raise
        return server

    def _write(self, event: Event) -> tuple[EmailMessage, list[str]]:
        given = self.params
        fields = {"To": ", ".join(given.to), "Subject": given.subject}
        for name, path in given.fields.items():
            value = event.lookup(path)
            if value is not None:
                fields[name] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        message = EmailMessage(SMTP)
        recipients: list[str] = []
        message["From"] = given.sender
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{event.key}@{given.sender.rpartition('@')[2]}>"
        for name, value in fields.items():
            if _CONTROL.search(value):
                raise MalformedEvent(f"{name} has a line break or another control character")
            if name in _ADDRESSED:
                addresses = self._addresses(name, value)
                recipients += addresses if name in _RECIPIENTS else []
            if value and name != "Bcc":
                try:
                    message[name] = value
                except (ValueError, MessageError, IndexError) as error:
                    raise MalformedEvent(f"{name} cannot be written: {type(error).__name__}") from error
        if not recipients:
            raise MalformedEvent("the mail has nobody to go to")
        message.set_content(event.text(), subtype=given.subtype)
        return message, list(dict.fromkeys(recipients))

    def _addresses(self, name: str, value: str) -> list[str]:
        found = [address for _, address in getaddresses([value])] if value else []
        for address in found:
            if not _ADDRESS.fullmatch(address):
                raise MalformedEvent(f"{name} has something that is no mail address")
            if self.params.domains and address.rpartition("@")[2].lower() not in self.params.domains:
                raise Forbidden(f"{name} has an address outside of {', '.join(self.params.domains)}")
        return found


def _refusal(refused: dict[str, tuple[int, bytes]], of: int) -> EventError:
    """What became of recipients that the server does not take. Where some have the mail, nothing sends it again."""
    first = next(iter(refused.values()))
    said = f"the server refuses {len(refused)} of {of} recipients: {first[0]} {_text(first[1])}"
    later = len(refused) == of and all(code < _FOR_EVER for code, _ in refused.values())
    return ServiceUnavailable(said) if later else UnprocessableEvent(said)


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]


def _quit(server: smtplib.SMTP) -> None:
    """Say goodbye; the mail is taken already, whatever becomes of that."""
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()
