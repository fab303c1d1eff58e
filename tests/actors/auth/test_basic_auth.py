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
from actorkit_actors.auth import basic_auth, hashes
from actorkit_actors.auth.basic_auth import BasicAuth
from tests.until import until


def request(user: str, password: str, scheme: str = "Basic") -> Event:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Event("<order/>", http=Http(headers={"authorization": f"{scheme} {token}", "accept": "*/*"}))


def put(harness: Harness[BasicAuth], *events: Event) -> None:
    """Have events consumed, and wait until their hashes are looked at."""
    for event in events:
        harness.put(event)
    until(lambda: not harness.held, "every login has been looked at")


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
    assert failed.failure.headers == [("WWW-Authenticate", 'Basic realm="the \\"shop\\"", charset="UTF-8"')]
    assert failed.http is not None
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
    harness = Harness(BasicAuth, users=f"ann:{hashes.make_hash(b'secret')}")
    put(harness, request("ann", "secret"))
    started = time.perf_counter()
    for _ in range(100):
        harness.put(request("ann", "secret"))
    assert (time.perf_counter() - started) / 100 < 0.01
    assert len(harness.taken()) == 101
    put(harness, request("ann", "Secret"))
    assert len(harness.errors) == 1


@pytest.mark.parametrize(
    ("users", "says"),
    [
        ("ann", "line 1 is not name:password"),
        ("ann:secret\n:x", "line 2 is not name:password"),
        ("ann:", "line 1 is not name:password"),
        ("ann:scrypt$1$2$3", "line 1 has a broken hash"),
        ("ann:secret\nbad:scrypt$3$8$1$AAAA$BBBB", "line 2 has a broken hash"),
        ("bad:$scrypt$ln=20,r=8,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "takes more than 64 MiB"),
        ("bad:$scrypt$ln=14$x", "line 1 has a broken hash"),
        ("a:b\nht:$2y$05$nhYOULJetJGGq6KgRR43w.lq3Hit3Z7ALCwidR89lJf103rKec9zu", r"line 2 .*bcrypt.*write it with"),
        ("ht:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "Apache MD5"),
        ("ht:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "LDAP"),
        ("ht:$6$rounds=1$salt$hash", "crypt"),
        ("ht:$argon2id$v=19$m=1$x$y", "Argon2"),
        ("ann:a\nbob:b\nann:c", "line 3 names a user of line 1 again"),
        ("ann:a\tb", "line 1 has a control character"),
        ("ann\nbob\n", "line 1 is .*line 2 is"),
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
        [sys.executable, "-m", "actorkit_actors.auth.basic_auth", "ann"],
        input="a:b\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert "a:b" not in done.stdout
    assert done.stdout.startswith("ann:$scrypt$ln=14,r=8,p=1$")
    harness = Harness(BasicAuth, users=done.stdout)
    put(harness, request("ann", "a:b"))
    assert len(harness.taken()) == 1


@pytest.mark.parametrize("arguments", [[], ["a:b"], ["a", "b"]])
def test_the_command_says_how_it_is_used(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert basic_auth.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read() -> None:
    harness = Harness(BasicAuth, users="\ufeffann:pw1\r\nbob:pw2\r\n")
    put(harness, request("ann", "pw1"), request("bob", "pw2"))
    assert len(harness.taken()) == 2


def test_hashes_of_earlier_versions_are_read() -> None:
    old = "scrypt$16384$8$1$DxlMOyYy+F16JIaxSiLRkA==$kLHut7FWJWnLEgiT+Qh8pFldzKBBnUZ+UjqOezhnwEQ="
    harness = Harness(BasicAuth, users=f"ann:{old}")
    put(harness, request("ann", "secret"))
    assert len(harness.taken()) == 1


@pytest.mark.parametrize(("realm", "says"), [("Büro €", "'€' cannot stand in a header"), ("a\nb", "cannot stand")])
def test_a_realm_that_cannot_be_sent_is_found_before_the_first_event(realm: str, says: str) -> None:
    params = BasicAuth.Params(users="ann:a", realm=realm)
    assert says in next(iter(BasicAuth.check(params))).message
    with pytest.raises(SettingsError, match=says):
        Harness(BasicAuth, users="ann:a", realm=realm)


def test_each_mistake_of_a_file_is_a_finding() -> None:
    problems = list(BasicAuth.check(BasicAuth.Params(users="ann\nbob:x\nbob:y\nht:{SHA}x")))
    assert [problem.path for problem in problems] == ["users"] * 3
    assert [problem.message.split()[1] for problem in problems] == ["1", "3", "4"]


def test_requests_with_the_same_password_wait_for_one_hash() -> None:
    begun = time.process_time()
    users = f"ann:{hashes.make_hash(b'secret')}"
    one_s = time.process_time() - begun
    harness = Harness(BasicAuth, users=users, hashes=4)
    begun = time.process_time()
    put(harness, *[request("ann", "secret") for _ in range(40)])
    assert len(harness.taken()) == 40
    assert time.process_time() - begun < 20 * one_s


def test_too_many_wrong_logins_are_told_to_come_later_and_known_good_ones_are_not() -> None:
    users = f"ann:{hashes.make_hash(b'a')}\nbob:{hashes.make_hash(b'b')}"
    harness = Harness(
        BasicAuth, users=users, hashes=1, failures_per_name=3, failures_per_address=5, failure_interval_s=100
    )
    put(harness, request("ann", "a"))
    put(harness, *[request("ann", f"wrong{number}") for number in range(10)])
    failures = [event.failure for event in harness.errors]
    assert [failure.status for failure in failures if failure] == [401] * 3 + [429] * 7
    [(name, value)] = failures[-1].headers if failures[-1] else []
    assert (name, 0 < int(value) <= 100) == ("Retry-After", True)
    put(harness, request("ann", "a"))
    assert len(harness.taken()) == 2, "a known good one passes, whatever its name is accused of"
    put(harness, *[request("eve", f"wrong{number}") for number in range(3)])
    put(harness, request("bob", "b"))
    assert [event.failure.status for event in harness.errors if event.failure] == [401, 401, 429, 429]
