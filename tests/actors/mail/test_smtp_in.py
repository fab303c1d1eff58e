"""smtp-in, with real clients."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import trustme

from actorkit import Event, MalformedEvent, params
from actorkit.errors import ServiceUnavailable
from actorkit.testing import Harness
from actorkit_actors.mail.smtp_in import SMTPIn

MAIL = b"From: ann@example.org\r\nSubject: tea\r\n\r\n.\r\nzw\xc3\xb6lf\r\n"
FROM, TO = "ann@example.org", "bob@example.com"


@pytest.fixture
def started() -> Iterator[Any]:
    with ExitStack() as stack:

        def start(**given: Any) -> Harness[SMTPIn]:
            return stack.enter_context(Harness(SMTPIn, host="127.0.0.1", port=0, **given))

        yield start


def client(harness: Harness[SMTPIn]) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", harness.actor.port, timeout=30, local_hostname="client")


def test_a_mail_becomes_an_event_and_is_taken_when_that_is_finished(started: Any) -> None:
    harness = started()
    with client(harness) as smtp:
        assert smtp.sendmail(FROM, [TO, "eve@example.com"], MAIL) == {}
        [event] = harness.taken()
        assert event.data == MAIL
        attributes = event.attributes
        assert (attributes["sender"], attributes["recipients"]) == (FROM, [TO, "eve@example.com"])
        assert attributes["client"] == "127.0.0.1"


@pytest.mark.parametrize(("error", "code"), [(MalformedEvent("no order"), 554), (ServiceUnavailable("busy"), 451)])
def test_a_mail_that_fails_stays_with_the_client(started: Any, error: Exception, code: int) -> None:
    def fail(event: Event, outbox: str | None) -> Event:
        raise error

    harness = started(answer=fail)
    with client(harness) as smtp:
        with pytest.raises(smtplib.SMTPDataError) as raised:
            smtp.sendmail(FROM, TO, MAIL)
        assert raised.value.smtp_code == code
        assert str(error) not in str(raised.value.smtp_error)
        assert smtp.noop()[0] == 250


def test_a_mail_that_takes_too_long_or_comes_at_the_end_is_for_later(started: Any) -> None:
    harness = started()
    with client(harness) as smtp:
        harness.drain()
        with pytest.raises(smtplib.SMTPDataError) as raised:
            smtp.sendmail(FROM, TO, MAIL)
        assert raised.value.smtp_code == 451
    assert harness.taken() == []
    with pytest.raises(OSError):
        client(harness)


def test_a_mail_that_is_too_large_or_for_somebody_else_is_refused(started: Any) -> None:
    harness = started(max_mail_bytes=2048, domains=["example.com"])
    with client(harness) as smtp:
        with pytest.raises(smtplib.SMTPResponseException):
            smtp.sendmail(FROM, TO, MAIL + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 100)
        smtp.rset()
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.sendmail(FROM, "bob@example.com.evil.example", MAIL)
        smtp.sendmail(FROM, "bob@EXAMPLE.com", MAIL)
    assert len(harness.taken()) == 1


def test_no_more_connections_than_may_be(started: Any) -> None:
    harness = started(max_connections=1)
    with client(harness) as smtp:
        with pytest.raises((smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected)):
            client(harness)
        smtp.sendmail(FROM, TO, MAIL)


def test_users_log_in_over_tls_only(started: Any) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate = "".join(part.bytes().decode() for part in issued.cert_chain_pems)
    given = {"certfile": certificate, "keyfile": issued.private_key_pem.bytes().decode()}
    harness = started(users="ann:secret-word\nbob:other", **given)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with closing(smtplib.SMTP("localhost", harness.actor.port, timeout=30, local_hostname="client")) as smtp:
        with pytest.raises(smtplib.SMTPException):
            smtp.login("ann", "secret-word")
        with pytest.raises(smtplib.SMTPException):
            smtp.sendmail(FROM, TO, MAIL)
        smtp.starttls(context=trusting)
        with pytest.raises(smtplib.SMTPException):
            smtp.sendmail(FROM, TO, MAIL)
        for user, password in (("ann", "other"), ("eve", ""), ("eve", "secret-word")):
            with pytest.raises(smtplib.SMTPAuthenticationError):
                smtp.login(user, password)
    assert harness.taken() == []
    with closing(smtplib.SMTP("localhost", harness.actor.port, timeout=30, local_hostname="client")) as smtp:
        smtp.starttls(context=trusting)
        smtp.login("ann", "secret-word")
        smtp.sendmail(FROM, TO, MAIL)
    assert len(harness.taken()) == 1


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"users": "ann:x"}, ["users"]),
        ({"certfile": "x"}, ["certfile"]),
        ({"certfile": "x", "keyfile": "y"}, ["certfile"]),
    ],
)
def test_wrong_parameters_are_found_before_anything_starts(given: dict[str, Any], paths: list[str]) -> None:
    assert [problem.path for problem in SMTPIn.check(params.build(SMTPIn.Params, given))] == paths
