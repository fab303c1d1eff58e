"""smtp-out, with a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from actorkit import Event, JSONEvent, params
from actorkit.testing import Harness
from actorkit_actors.mail.smtp_out import SMTPOut
from tests.actors.mail.server import Post, running
from tests.ports import free_port


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def port(post: Post) -> Iterator[int]:
    with running(post) as port:
        yield port


def smtp_out(port: int, **given: Any) -> Harness[SMTPOut]:
    given = {"security": "none", "to": ["bob@example.org"], "fields": {"To": "attributes/to"}, **given}
    return Harness(SMTPOut, host="localhost", port=port, sender="shop@example.org", **given)


def failure(harness: Harness[SMTPOut], event: Event) -> tuple[int, str]:
    harness.put(event)
    assert harness.taken() == []
    [failed] = harness.errors
    assert failed.failure is not None
    return failed.failure.status, failed.failure.message


def test_an_event_becomes_a_mail_and_is_passed_on(port: int, post: Post) -> None:
    with smtp_out(port, subject="Grüße", fields={"Subject": "attributes/subject", "Bcc": "attributes/bcc"}) as out:
        out.put(Event("Guten Tag,\n.\nzwölf Stück\n"))
        [passed] = out.taken()
        [(recipients, mail)] = post.mails
        assert recipients == ["bob@example.org"]
        assert (mail["From"], mail["To"], mail["Subject"]) == ("shop@example.org", "bob@example.org", "Grüße")
        assert mail["Message-ID"] == f"<{passed.key}@example.org>"
        assert mail.get_content().splitlines() == ["Guten Tag,", ".", "zwölf Stück"]
        event = Event("x")
        event.attributes.update(subject="Another", bcc=["eve@example.org"])
        out.put(event)
        assert post.mails[1][0] == ["bob@example.org", "eve@example.org"]
        assert (post.mails[1][1]["Subject"], post.mails[1][1]["Bcc"]) == ("Another", None)


def test_a_mail_that_is_sent_again_has_the_same_message_id(port: int, post: Post) -> None:
    event = Event("x")
    for _ in range(2):
        with smtp_out(port) as out:
            out.put(event)
    assert len(post.mails) == 2
    assert len({mail["Message-ID"] for _, mail in post.mails}) == 1


def test_fields_of_ones_own_and_the_thread_of_a_mail_come_from_the_event(port: int, post: Post) -> None:
    fields = {"X-Order": "data/order", "In-Reply-To": "data/mail", "References": "data/mail"}
    with smtp_out(port, fields=fields, domains=["example.org"]) as out:
        out.put(JSONEvent({"order": 7, "mail": "<1@example.com>"}))
        [(_, mail)] = post.mails
    assert [mail[name] for name in fields] == ["7", "<1@example.com>", "<1@example.com>"]


@pytest.mark.parametrize("field", ["To", "Subject", "Reply-To", "X-Order"])
@pytest.mark.parametrize(
    "evil",
    ["a@example.org\r\nBcc: eve@evil.example", "a@example.org\nX: y", "a@example.org\r", "a@example.org\0", "a\u2028b"],
)
def test_a_line_break_in_a_field_is_refused(port: int, post: Post, field: str, evil: str) -> None:
    with smtp_out(port, fields={field: "data/value"}) as out:
        assert failure(out, JSONEvent({"value": evil}))[0] == 400
    assert post.mails == []


@pytest.mark.parametrize(
    "to",
    ["nobody", "a@", "@b", "a b@example.org", "<a@example.org> SIZE=1", "a@b@c", "'\"@x", ["a@example.org", "b"], {}],
)
def test_what_is_no_address_is_refused(port: int, post: Post, to: Any) -> None:
    with smtp_out(port, fields={"To": "data/to"}) as out:
        assert failure(out, JSONEvent({"to": to}))[0] == 400
    assert post.mails == []


def test_addresses_of_other_domains_are_refused(port: int, post: Post) -> None:
    with smtp_out(port, fields={"To": "data/to"}, domains=["example.org"]) as out:
        assert failure(out, JSONEvent({"to": "a@example.org, eve@evil.example"}))[0] == 403
        assert failure(out, JSONEvent({"to": "a@example.org.evil.example"}))[0] == 403
        out.put(JSONEvent({"to": "Ann <a@EXAMPLE.org>"}))
        assert [recipients for recipients, _ in post.mails] == [["a@EXAMPLE.org"]]


def test_what_the_server_refuses_is_told(port: int, post: Post) -> None:
    post.refuses = {"gone@example.org": "550 no such user", "full@example.org": "452 try later"}
    with smtp_out(port, fields={"To": "data/to"}) as out:
        assert failure(out, JSONEvent({"to": "gone@example.org"}))[0] == 422
        assert failure(out, JSONEvent({"to": "full@example.org"}))[0] == 503
        status, said = failure(out, JSONEvent({"to": "full@example.org, ann@example.org"}))
        assert status == 422, "the other one has the mail, so nothing may send it again"
        assert "1 of 2" in said
    assert [recipients for recipients, _ in post.mails] == [["ann@example.org"]]


def test_a_server_that_is_not_there_may_come_back() -> None:
    with smtp_out(free_port()) as out:
        assert failure(out, Event("x"))[0] == 503


def test_tls_and_a_login(post: Post) -> None:
    authority = trustme.CA()
    ca = authority.cert_pem.bytes().decode()
    with running(post, authority) as port:
        login = {"security": "starttls", "username": "ann", "password": "secret-word"}
        with smtp_out(port, ca=ca, **login) as out:
            out.put(Event("x"))
            assert out.errors == []
        assert post.encrypted == [True]
        with smtp_out(port, ca=ca, **{**login, "password": "another"}) as out:
            status, said = failure(out, Event("x"))
            assert status == 503
            assert "another" not in said
        with smtp_out(port, ca=trustme.CA().cert_pem.bytes().decode(), **login) as out:
            assert failure(out, Event("x"))[0] == 503
    with running(post, authority, name="elsewhere.example") as port, smtp_out(port, ca=ca, **login) as out:
        assert failure(out, Event("x"))[0] == 503
    assert len(post.mails) == 1


def test_nothing_is_sent_in_the_clear_where_tls_is_wanted(port: int, post: Post) -> None:
    with smtp_out(port, security="starttls", username="ann", password="secret-word") as out:
        assert failure(out, Event("x"))[0] == 503
    assert post.mails == []


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"sender": "shop"}, "sender"),
        ({"to": ["x\r\n@y"]}, "to"),
        ({"to": []}, "to"),
        ({"username": "ann", "security": "none"}, "security"),
        ({"ca": "no PEM"}, "ca"),
        ({"fields": {"Sender": "data/x"}}, "fields"),
    ],
)
def test_wrong_parameters_are_found_before_anything_starts(given: dict[str, Any], path: str) -> None:
    whole = {"host": "localhost", "sender": "a@example.org", "to": ["b@example.org"], **given}
    [problem] = SMTPOut.check(params.build(SMTPOut.Params, whole))
    assert problem.path == path
