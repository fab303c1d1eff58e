from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import actorkit
import actorkit_actors
from actorkit import Event, Http
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.auth import basic
from actorkit_actors.auth.basic import BasicAuth


def request(user: str, password: str, scheme: str = "Basic") -> Event:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Event("<order/>", http=Http(headers={"authorization": f"{scheme} {token}", "accept": "*/*"}))


def test_the_right_password_passes_and_names_the_user() -> None:
    harness = Harness(BasicAuth, users="ann:secret\n\n# a comment\nbob:other\n")
    for scheme in ("Basic", "basic", "BASIC"):
        harness.put(request("ann", "secret", scheme))
        [event] = harness.taken()
        assert event.http is not None
        assert event.http.user == "ann"
        assert event.text() == "<order/>"


@pytest.mark.parametrize(
    "event",
    [
        request("ann", "wrong"),
        request("ann", ""),
        request("nobody", "secret"),
        request("bob", "secret"),
        request("ann", "secret", "Bearer"),
        Event("<order/>", http=Http(headers={"authorization": "Basic ???"})),
        Event("<order/>", http=Http(headers={"authorization": "Basic"})),
        Event("<order/>", http=Http(headers={"authorization": "Basic " + base64.b64encode(b"no colon").decode()})),
        Event("<order/>", http=Http(headers={"authorization": "Basic " + base64.b64encode(b"\xff\xff:x").decode()})),
        Event("<order/>", http=Http()),
    ],
)
def test_anything_else_fails_with_401_and_the_challenge(event: Event) -> None:
    harness = Harness(BasicAuth, users="ann:secret\nbob:other", realm='the "shop"')
    harness.put(event)
    assert harness.taken() == []
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 401
    assert failed.http is not None
    assert failed.http.reply_headers == [("WWW-Authenticate", 'Basic realm="the \\"shop\\"", charset="UTF-8"')]
    assert failed.http.user == ""


def test_an_event_that_did_not_come_over_http_fails() -> None:
    harness = Harness(BasicAuth, users="ann:secret")
    harness.put(Event("x"))
    assert "Unauthorized" in str(harness.errors[0].failure)


def test_credentials_do_not_travel_on() -> None:
    harness = Harness(BasicAuth, users="ann:secret")
    harness.put(request("ann", "secret"))
    harness.put(request("ann", "wrong"))
    for event in (*harness.taken(), *harness.errors):
        assert event.http is not None
        assert "authorization" not in event.http.headers
        assert "secret" not in str(event.failure)
        assert "wrong" not in [*event.http.headers.values()]


def test_a_password_may_have_colons_blanks_and_umlauts() -> None:
    harness = Harness(BasicAuth, users=" ann:a:b: ü \n")
    harness.put(request(" ann", "a:b: ü "))
    assert len(harness.taken()) == 1


def test_a_hashed_password_is_checked_once_and_remembered() -> None:
    harness = Harness(BasicAuth, users=f"ann:{basic.hashed(b'secret')}")
    harness.put(request("ann", "secret"))
    started = time.perf_counter()
    for _ in range(100):
        harness.put(request("ann", "secret"))
    assert (time.perf_counter() - started) / 100 < 0.01
    assert len(harness.taken()) == 101
    harness.put(request("ann", "Secret"))
    assert len(harness.errors) == 1


def test_what_is_remembered_is_bounded_and_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basic, "CACHE_SIZE", 2)
    harness = Harness(BasicAuth, users="a:1\nb:2\nc:3")
    for user, password in (("a", "1"), ("b", "2"), ("c", "3"), ("a", "1")):
        harness.put(request(user, password))
    assert len(harness.taken()) == 4
    verified = harness.actor._verified
    assert len(verified) == 2
    assert all(len(digest) == 32 for digest in verified)


@pytest.mark.parametrize(
    ("users", "says"),
    [
        ("ann", "line 1 is not name:password"),
        ("ann:secret\n:x", "line 2 is not name:password"),
        ("ann:", "line 1 is not name:password"),
        ("ann:scrypt$1$2$3", "line 1 has a broken hash"),
        ("", "there are none"),
    ],
)
def test_a_broken_list_of_users_is_found_before_the_first_event(users: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        Harness(BasicAuth, users=users)
    assert "secret" not in str(caught.value)


def test_the_command_writes_a_line_that_lets_the_user_in() -> None:
    paths = [str(Path(str(module.__file__)).parents[1]) for module in (actorkit, actorkit_actors)]
    done = subprocess.run(
        [sys.executable, "-m", "actorkit_actors.auth.basic", "ann"],
        input="a:b\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert "a:b" not in done.stdout
    harness = Harness(BasicAuth, users=done.stdout)
    harness.put(request("ann", "a:b"))
    assert len(harness.taken()) == 1


@pytest.mark.parametrize("arguments", [[], ["a:b"], ["a", "b"]])
def test_the_command_says_how_it_is_used(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert basic.main(arguments) == 2
    assert "usage" in capsys.readouterr().err
