"""http-server and what browsers send: the header fields of Chrome and Firefox, as they came from them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from actorkit import Event
from actorkit.errors import MalformedEvent
from actorkit_actors.http.routes import Match, NoRoute, Route, Router
from tests.actors.http.client import Start, ask, request, seen

CHROME = {
    "connection": "keep-alive",
    "cache_control": "max-age=0",
    "sec_ch_ua": '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
    "sec_ch_ua_mobile": "?0",
    "sec_ch_ua_platform": '"Linux"',
    "upgrade_insecure_requests": "1",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7",
    "sec_fetch_site": "none",
    "sec_fetch_mode": "navigate",
    "sec_fetch_user": "?1",
    "sec_fetch_dest": "document",
    "accept_encoding": "gzip, deflate, br, zstd",
    "accept_language": "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "cookie": "sid=1; _ga=GA1.1.123456789.1700000000",
}
FIREFOX = {
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept_language": "de,en-US;q=0.7,en;q=0.3",
    "accept_encoding": "gzip, deflate, br, zstd",
    "dnt": "1",
    "connection": "keep-alive",
    "upgrade_insecure_requests": "1",
    "priority": "u=0, i",
}
#: What a script of a page sends: `fetch`.
FETCH = {**CHROME, "accept": "*/*", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}

BROWSERS = pytest.mark.parametrize("headers", [CHROME, FIREFOX, FETCH], ids=["Chrome", "Firefox", "fetch"])
ROUTES = [{"path": "/<queue>", "methods": ["GET", "POST"]}]


def read(answer: tuple[int, dict[str, str], bytes]) -> Any:
    """An answer, as its content type says that it is."""
    _, headers, body = answer
    media_type = headers["content-type"].partition(";")[0]
    if media_type == "application/json":
        return json.loads(body)
    return etree.fromstring(body) if media_type == "application/xml" else body.decode()


@BROWSERS
@pytest.mark.parametrize("data", [{"a": [1, "ü"]}, "text", "<html><p>hello</p></html>"])
def test_a_browser_is_answered_whatever_the_answer_is(start: Start, headers: Any, data: Any) -> None:
    harness = start(lambda event, outbox: event.replace(data), routes=ROUTES)
    answer = ask(harness, request("/echo", method="GET", **headers))
    assert answer[0] == 200
    assert len(read(answer))
    assert seen(harness).get("cookie") is None


@BROWSERS
def test_a_browser_is_told_what_is_wrong(start: Start, headers: Any) -> None:
    def fail(event: Event, outbox: str | None) -> Event:
        raise MalformedEvent("no total")

    harness = start(fail, routes=ROUTES)
    broken = request("/echo", b"{", content_type="application/json", **headers)
    for status, data in (
        (404, request("/nobody", method="GET", **headers)),
        (404, request("/no/such/path", method="GET", **headers)),
        (405, request("/echo", method="DELETE", **headers)),
        (400, broken),
        (400, request("/echo", method="GET", **headers)),
    ):
        answer = ask(harness, data)
        assert answer[0] == status
        assert len(read(answer))


@BROWSERS
def test_the_form_of_a_page_comes_with_every_field(start: Start, headers: Any) -> None:
    harness = start(routes=ROUTES)
    form = "application/x-www-form-urlencoded"
    assert ask(harness, request("/echo", b"n=1&n=2&t=%C3%BC", content_type=form, **headers))[0] == 200
    assert seen(harness).data == {"n": ["1", "2"], "t": ["ü"]}


ROUTER = Router(
    [Route(path="/shops/<int:shop>/<queue>"), Route(path="/<queue>", methods=("GET",)), Route(path="/all/<path:rest>")]
)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=4), st.sampled_from(["GET", "POST", "X"]))
def test_every_path_has_a_route_or_none(parts: list[str], method: str) -> None:
    target = "/" + "/".join(quote(part, safe="") for part in parts)
    found, path, query = ROUTER.find(method, target.encode())
    assert (path, query) == ("/" + "/".join(parts), "")
    assert found == ROUTER.find(method, target.encode())[0]
    if isinstance(found, NoRoute):
        assert method not in found.allowed
    else:
        assert isinstance(found, Match)
        assert method in {*found.route.methods, "HEAD"}
        assert all(type(value) is str for value in found.path_params.values())
