from __future__ import annotations

import re
from typing import Any

import pytest

from actorkit import Event, Http, params
from actorkit.testing import Harness
from actorkit_actors.http import cookie
from actorkit_actors.http.cookie_read import CookieRead
from actorkit_actors.http.cookie_set import CookieSet

OLD, NEW = "an-old-secret-of-ours", "a-new-secret-of-ours"


def made(value: Any, **given: Any) -> str:
    """The `Set-Cookie` of an event with a session."""
    with Harness(CookieSet, **{"cookie": "sid", "path": "attributes/session", **given}) as harness:
        harness.put(Event("x", http=Http(reply_headers=[("X-A", "b")]), attributes={"session": value}))
        [event] = harness.taken()
    assert event.http is not None
    assert event.http.reply_headers[0] == ("X-A", "b")
    [(name, found)] = event.http.reply_headers[1:]
    assert name == "Set-Cookie"
    return found


def seen(header: str, **given: Any) -> str | int | None:
    """What the cookie's attribute is; the status where the event fails."""
    with Harness(CookieRead, **{"cookie": "sid", **given}) as harness:
        harness.put(Event("x", http=Http(headers={"cookie": header}), attributes={"sid": "forged"}))
        for failed in harness.errors:
            assert failed.failure is not None
            return failed.failure.status
        [event] = harness.taken()
        found: str | None = event.get("sid")
        return found


def test_a_cookie_is_safe_unless_it_is_told_otherwise() -> None:
    assert made("a1") == "sid=a1; Path=/; SameSite=Lax; Secure; HttpOnly"
    loose = {"secure": False, "http_only": False, "max_age_s": 60, "domain": "example.org", "url_path": "/a"}
    assert made(7, **loose) == "sid=7; Path=/a; SameSite=Lax; Domain=example.org; Max-Age=60"
    assert made("a1", path="", delete=True) == "sid=; Path=/; SameSite=Lax; Max-Age=0; Secure; HttpOnly"


def test_a_random_value_is_made_where_there_is_none_and_is_the_events_too() -> None:
    first, second = made(None, random=True), made(None, random=True)
    assert re.match(r"sid=[0-9a-f]{32}; ", first)
    assert first != second
    assert made("a1", random=True).startswith("sid=a1; ")
    with Harness(CookieSet, cookie="sid", path="attributes/session", random=True) as harness:
        harness.put(Event("x"))
        [event] = harness.taken()
    assert event.http is not None
    assert event.http.reply_headers[0][1].startswith(f"sid={event.get('session')}; ")
    [problem] = CookieSet.check(params.build(CookieSet.Params, {"cookie": "sid", "path": "data", "random": True}))
    assert problem.path == "path"


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a;b", "a b", 'a"b', "a,b", "ä", None, True, {}, "x" * 5000])
def test_a_value_that_a_cookie_cannot_have_is_refused(value: Any) -> None:
    with Harness(CookieSet, cookie="sid", path="attributes/session") as harness:
        harness.put(Event("x", attributes={"session": value}))
        [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 422


def test_a_cookie_is_read_and_what_was_there_is_not_believed() -> None:
    assert seen("a=b; sid=1; sid=2") == "1"
    assert seen('sid="1"') == "1"
    assert seen("a=b") is None
    assert seen("junk; =; ;;", required=True) == 401


def test_a_signed_cookie_is_read_by_who_has_the_secret_and_changed_by_nobody() -> None:
    signed = made("ann", secrets=OLD).partition(";")[0]
    assert signed.startswith("sid=ann.")
    assert seen(signed, secrets=OLD) == "ann"
    assert seen(signed, secrets=f"{OLD}\n{NEW}\n", max_age_s=60) == "ann"
    assert seen(signed, secrets=NEW) is None
    assert seen(signed.replace("ann", "eve"), secrets=OLD) is None
    assert seen("sid=ann", secrets=OLD, required=True) == 401
    other = made("ann", cookie="other", secrets=OLD).partition(";")[0].replace("other=", "sid=")
    assert seen(other, secrets=OLD) is None
    assert seen(made("ann", secrets=f"{OLD}\n{NEW}").partition(";")[0], secrets=NEW) == "ann"


def test_a_cookie_bomb_is_read_in_part_only() -> None:
    assert len(cookie.parse("; ".join(f"a{n}=1" for n in range(100_000)))) == 200


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"cookie": "a b"}, "cookie"),
        ({"url_path": "/; Domain=x"}, "url_path"),
        ({"domain": "a\r\nb"}, "domain"),
        ({"path": ""}, "path"),
        ({"delete": True}, "path"),
        ({"same_site": "None", "secure": False}, "same_site"),
        ({"secrets": "short"}, "secrets"),
    ],
)
def test_a_cookie_that_cannot_be_is_found_at_the_start(given: dict[str, Any], path: str) -> None:
    [problem] = CookieSet.check(params.build(CookieSet.Params, {"cookie": "sid", "path": "data", **given}))
    assert problem.path == path
    assert "short" not in problem.message
