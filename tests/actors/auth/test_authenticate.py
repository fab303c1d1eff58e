"""A subclass of basic-auth that asks somebody else about names and passwords."""

from __future__ import annotations

import base64

import pytest

from actorkit import Event, Http, ServiceUnavailable, params
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.auth.basic_auth import BasicAuth

#: What the directory was asked.
asked: list[tuple[str, str]] = []


class Directory(BasicAuth):
    """Knows Ann."""

    def authenticate(self, name: str, password: str) -> bool:
        asked.append((name, password))
        if name == "down":
            raise ServiceUnavailable("the directory is not there")
        return (name, password) == ("ann", "pä:ss")


def status(harness: Harness[Directory], name: str, password: str) -> int:
    """200 for a login that is good, else what the failure has."""
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    harness.put(Event("x", http=Http(headers={"authorization": f"Basic {token}"}, remote="192.0.2.1")))
    for failed in harness.errors:
        assert failed.failure is not None
        assert failed.http is not None
        assert "authorization" not in failed.http.headers
        return failed.failure.status
    [event] = harness.taken()
    assert event.http is not None
    assert event.http.user == name
    return 200


def test_a_class_of_ones_own_says_who_is_let_in() -> None:
    asked.clear()
    with Harness(Directory, users="") as harness:
        assert status(harness, "ann", "pä:ss") == 200
        assert status(harness, "ann", "wrong") == 401
        assert status(harness, "down", "x") == 503
        assert status(harness, "ann", "pä:ss") == 200
    assert asked == [("ann", "pä:ss"), ("ann", "wrong"), ("down", "x"), ("ann", "pä:ss")]


def test_it_is_not_asked_about_users_of_the_file_and_not_without_end() -> None:
    asked.clear()
    with Harness(Directory, users="bob:secret", failures_per_name=2, failure_interval_s=60.0) as harness:
        assert status(harness, "bob", "secret") == 200
        assert status(harness, "bob", "wrong") == 401
        assert asked == []
        assert [status(harness, "eve", "x") for _ in range(4)] == [401, 401, 429, 429]
    assert len(asked) == 2


def test_without_such_a_class_there_have_to_be_users() -> None:
    with pytest.raises(SettingsError):
        Harness(BasicAuth, users="")
    assert not list(Directory.check(params.build(Directory.Params, {"users": ""})))
