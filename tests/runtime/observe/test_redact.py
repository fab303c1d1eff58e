"""What is secret stands in no log, no failure, no dead letter, and nothing that stdout writes."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta

from actorkit import Actor, Event, Failure, Http, MalformedEvent, settings
from actorkit.deadletters.box import letters
from actorkit.deadletters.store import FILE
from actorkit.errors import SettingsError
from actorkit.event.context import Context, encode_context
from actorkit.event.parcel import Parcel
from actorkit.observe import logs, redact
from actorkit.testing import Harness
from actorkit_actors.flow.stdout import Stdout
from tests.fleet import Fleet
from tests.runtime.deadletters.keeping import keep
from tests.until import until

TOKEN = "tok-5f1b2a"
GOOD = {"ACTORKIT_ACTOR": "down", "ACTORKIT_CLASS": "tests.probes:Pass"}

HEADERS = {"authorization": "Basic YTpi", "cookie": "sid=1", "host": "x", "x-shop": "7", "x-key": f"k {TOKEN}"}


class Calls(Actor):
    """Raises, and logs, with its token in the text."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        token: Annotated[str, Meta(description="for the service", extra={"secret": True})]
        shop: str = ""

    params: Params

    def consume(self, event: Event) -> Event:
        self.log.warning("asking with %s", self.params.token)
        if event.data == b"bug":
            raise ValueError(f"https://x/?key={self.params.token}")
        raise MalformedEvent(f"https://x/?key={self.params.token}", url=f"?{self.params.token}")


class Seals(Actor):
    """Has a key that is no text, and one that is given as base64."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        key: Annotated[bytes, Meta(description="for seals", extra={"secret": True})]
        other: Annotated[bytes, Meta(description="for seals", extra={"secret": True})] = b""

    params: Params

    def consume(self, event: Event) -> Event:
        raise MalformedEvent(event.text())


KEY = b"\x00\xfe key\xff\x9c?"


@pytest.mark.parametrize(
    "shown",
    [
        repr(KEY),
        KEY.hex(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode(),
        KEY.decode("latin-1"),
        "-- a line of a key of several --",
        "a second key",
        base64.b64encode(b"a second key").decode(),
    ],
)
def test_a_secret_of_bytes_is_known_in_whatever_way_it_is_shown(tmp_path: Path, shown: str) -> None:
    (tmp_path / "key").write_bytes(KEY)
    other = base64.b64encode(b"a second key").decode()
    lines = b"-- begin of a long key --\n-- a line of a key of several --\n"
    Harness(Seals, key=lines)
    harness = Harness(Seals, key={"file": str(tmp_path / "key")}, other=other)
    harness.put(Event(f"<{shown}> is in it".encode()))
    [failed] = harness.errors
    assert failed.failure is not None
    assert redact.MASK in failed.failure.message
    assert shown.strip("b'=") not in failed.failure.message
    assert redact.may_hold_secret(b"<<" + KEY + b">>")


def test_bytes_too_short_to_be_looked_for_are_not(tmp_path: Path) -> None:
    redact.learn(b"ab\n")
    assert redact.text("ab 6162 YWI=") == "ab 6162 YWI="


def test_a_secret_parameter_stands_in_no_failure_and_no_log() -> None:
    harness = Harness(Calls, token=TOKEN, shop="berlin")
    for data in (b"", b"bug"):
        harness.put(Event(data))
        [failed] = harness.errors
        assert failed.failure is not None
        assert failed.failure.message == "https://x/?key=[secret]"
        assert TOKEN not in str(failed.failure)
    record = logging.LogRecord("x", logging.INFO, "", 0, "asking with %s", (TOKEN,), None)
    try:
        raise ValueError(TOKEN)
    except ValueError as exc:
        record.exc_info = (type(exc), exc, exc.__traceback__)
    for form in logs.FORMATTERS.values():
        line = form("t", "a", "a-1", lambda: "").format(record)
        assert "asking with [secret]" in line
        assert TOKEN not in line


def test_each_line_and_each_text_inside_of_a_secret_counts() -> None:
    redact.learn({"a": ["first secret", {"b": "-----BEGIN-----\nMIIBVgIBADANBgkq\n"}], "c": 7, "d": "abc"})
    assert redact.text("first secret, MIIBVgIBADANBgkq, abc") == "[secret], [secret], abc"
    assert redact.value({"x": ["first secret", 1]}) == {"x": ["[secret]", 1]}


def test_a_failure_with_details_of_any_depth_can_be_told() -> None:
    redact.learn(TOKEN)
    deep, deeper = (json.loads("[" * depth + f'"{TOKEN}"' + "]" * depth) for depth in (200, 600))
    details = Failure.of(MalformedEvent("x", deep=deep, deeper=deeper)).details
    assert list(details) == ["deep"]
    told = details["deep"]
    for _ in range(200):
        (told,) = told
    assert told == "[secret]"


def test_a_secret_may_be_a_part_of_another_one_and_of_the_mask() -> None:
    redact.learn(["secret", "secret-2", "----"])
    assert redact.text("a secret-2, a secret, ----") == "a [secret], a [secret], [secret]"


def dead_letter(folder: Path, http: Http) -> str:
    event = Event.received(Event("x", http=http).parcel())
    keep(folder, event)
    return stored(folder)


def stored(folder: Path) -> str:
    """All that is on the disk: the letters as they are shown, and the files as they are."""
    shown = [json.dumps(letter.shown()) for letter in letters(folder)]
    return "\n".join([*shown, *(file.read_bytes().decode(errors="replace") for file in sorted(folder.iterdir()))])


def test_a_dead_letter_holds_no_credentials(tmp_path: Path) -> None:
    redact.learn(TOKEN)
    redact.learn_headers(["X-Shop"])
    answer = [("Set-Cookie", "sid=2"), ("X-Fine", "1")]
    text = dead_letter(tmp_path / "box", Http(headers=dict(HEADERS), reply_headers=answer))
    found = json.loads(text.splitlines()[0])
    assert found["http"]["headers"] == {"host": "x"}
    assert found["http"]["reply_headers"] == [["X-Fine", "1"]]
    assert found["left_out"] == ["authorization", "cookie", "set-cookie", "x-key", "x-shop"]
    assert "context" not in found
    assert not any(value in text for value in ("YTpi", "sid=", TOKEN))
    [letter] = letters(tmp_path / "box")
    assert letter.left_out == tuple(found["left_out"])
    again = Event.received(letter.parcel())
    assert again.http is not None
    assert again.http.headers == {"host": "x"}


def test_what_json_cannot_tell_is_kept_without_credentials(tmp_path: Path) -> None:
    event = Event.received(Event("x", http=Http(headers=dict(HEADERS)), attributes={"raw": b"\xff"}).parcel())
    keep(tmp_path, event)
    [letter] = letters(tmp_path)
    assert (letter.context.attributes, letter.context.http and "cookie" in letter.context.http.headers) == (
        {"raw": b"\xff"},
        False,
    )


def test_a_context_that_nobody_can_read_is_left_out_where_it_may_hold_credentials(tmp_path: Path) -> None:
    spoilt = encode_context(Context(http=Http(headers=dict(HEADERS))))[:-1]
    keep(tmp_path, Event.received(Parcel(7, 0, "t", b"body", spoilt)))
    [letter] = letters(tmp_path)
    assert (letter.left_out, "context" in letter.record) == (("context",), False)


def test_stdout_writes_no_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    redact.learn_headers(["x-shop"])
    harness = Harness(Stdout, complete=True)
    harness.put(Event("x", http=Http(headers=dict(HEADERS), reply_headers=[("Set-Cookie", "sid=2")])))
    written = json.loads(capsys.readouterr().out)
    assert written["http"]["headers"] == {"host": "x", "x-key": f"k {TOKEN}"}
    assert written["http"]["reply_headers"] == []
    assert len(harness.taken()) == 1


def test_more_header_fields_come_from_the_environment() -> None:
    read = settings.read({**GOOD, "ACTORKIT_SECRET_HEADERS": "x-shop X-Other"})
    assert read.secret_headers == ("x-shop", "X-Other")
    with pytest.raises(SettingsError, match='ACTORKIT_SECRET_HEADERS names "x:y"'):
        settings.read({**GOOD, "ACTORKIT_SECRET_HEADERS": "x:y"})


def test_a_process_keeps_its_secrets_to_itself(fleet: Fleet, tmp_path: Path) -> None:
    box = tmp_path / "box"
    down = fleet.start(
        "down",
        "tests.runtime.observe.test_redact:Calls",
        params=json.dumps({"token": TOKEN}),
        dead_letters=str(box),
        secret_headers="x-shop",
    )
    fleet.start("up", "tests.runtime.observe.test_redact:Sends", outbox_down="down")
    until(lambda: list(letters(box)), "the event failed")
    [letter] = letters(box)
    assert letter.failure.message == "https://x/?key=[secret]"
    assert letter.left_out == ("authorization", "cookie", "x-key", "x-shop")
    everything = down.log.read_text() + stored(box)
    assert "asking with [secret]" in everything
    assert not any(secret in everything for secret in (TOKEN, "YTpi", "sid=1"))
    assert (box.stat().st_mode & 0o777, (box / FILE).stat().st_mode & 0o777) == (0o700, 0o600)


class Sends(Actor):
    """Makes one event with credentials."""

    def produce(self) -> Iterator[Event]:
        yield Event("bug", http=Http(headers=dict(HEADERS)))


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("api_key", "abc", "[secret]"),
        ("options", {"refresh-token": "abc", "count": 3}, {"refresh-token": "[secret]", "count": 3}),
        ("max_tokens", 5, 5),
        ("url", "postgresql://me:hunter2@db/shop", "postgresql://me:[secret]@db/shop"),
        ("urls", ["amqp://:x@a", "http://a:80/b@c"], ["amqp://:[secret]@a", "http://a:80/b@c"]),
        ("secret", {"file": "/run/secrets/a"}, {"file": "/run/secrets/a"}),
        ("password", "", ""),
    ],
)
def test_what_may_be_a_secret_is_not_shown(name: str, value: object, shown: object) -> None:
    assert redact.unsure(value, name) == shown
