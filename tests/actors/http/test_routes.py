"""http-server over real sockets: which requests go where."""

from __future__ import annotations

import pytest

from actorkit import Event, params
from actorkit.errors import SettingsError
from actorkit_actors.http.http_server import HTTPServer
from tests.actors.http.client import Client, Start, ask, request, seen


@pytest.mark.parametrize("path", ["/nobody", "/error", "/log", "/", "/echo/more", "/%00", "/..%2fecho"])
@pytest.mark.parametrize("accept", ["text/html, application/xml;q=0.9", "application/xml", "*/*"])
def test_there_is_nothing_at_other_addresses(start: Start, path: str, accept: str) -> None:
    harness = start()
    status, headers, body = ask(harness, request(path, b"{", content_type="application/json", accept=accept))
    assert status == 404
    assert headers["content-type"] == ("application/json" if accept == "*/*" else "application/xml")
    assert b"error" in body
    assert harness.taken() == []
    assert harness.errors == []


def test_a_method_that_is_not_let_in_gives_405_and_says_which_are(start: Start) -> None:
    status, headers, _ = ask(start(), request(method="DELETE"))
    assert (status, headers["allow"]) == (405, "OPTIONS, POST")


def test_options_says_what_is_let_in(start: Start) -> None:
    harness = start(routes=[{"path": "/<queue>", "methods": ["get", "put"]}])
    status, headers, _ = ask(harness, request(method="OPTIONS"))
    assert (status, headers["allow"]) == (204, "GET, HEAD, OPTIONS, PUT")
    assert ask(harness, request("*", method="OPTIONS"))[0] == 204
    assert harness.taken() == []


def test_head_is_get_without_a_body(start: Start) -> None:
    harness = start(lambda event, _: event.replace("hello"), routes=[{"path": "/<queue>", "methods": ["GET"]}])
    with Client(harness) as client:
        status, headers, _ = client.send(request(method="HEAD")).response(head=True)
        assert (status, dict(headers)["content-length"]) == (200, "5")
        assert client.send(request(method="GET")).response()[2] == b"hello"
    assert [event.http.method for event in harness.taken() if event.http] == ["HEAD", "GET"]


def test_only_the_content_types_of_a_route_are_let_in_every_time(start: Start) -> None:
    harness = start(routes=[{"path": "/<queue>", "ctypes": ["application/xml", "text/*"]}])
    for _ in range(2):
        assert ask(harness, request("/echo", b"<a/>", content_type="application/xml; charset=utf-8"))[0] == 200
        assert ask(harness, request("/echo", b"x", content_type="text/plain"))[0] == 200
        assert ask(harness, request("/echo", b"{}", content_type="application/json"))[0] == 415
        assert ask(harness, request("/echo", b"{}"))[0] == 415
        assert ask(harness, request("/echo"))[0] == 204
    assert ask(harness, request("/echo", b"x", content_type="text/plain", content_encoding="gzip"))[0] == 415


def test_a_content_type_that_no_route_takes_is_415_unless_the_server_knows_it(start: Start) -> None:
    harness = start(routes=[{"path": "/known/<queue>"}, {"path": "/pictures/<queue>", "ctypes": ["image/*"]}])
    multipart = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n"
    for content_type, body in {
        "application/json": b"{}",
        "application/vnd.api+json": b"{}",
        "application/soap+xml": b"<a/>",
        "text/html; charset=latin1": b"x",
        "application/x-www-form-urlencoded": b"a=1",
        "multipart/form-data; boundary=x": multipart,
        "application/octet-stream": b"\xff",
    }.items():
        assert ask(harness, request("/known/echo", body, content_type=content_type))[0] == 200, content_type
    assert ask(harness, request("/known/echo", b"\xff"))[0] == 200
    assert len(harness.taken()) == 8
    for content_type in ("image/png", "application/msgpack", "text/x-unknown", "nonsense"):
        status, _, said = ask(harness, request("/known/echo", b"x", content_type=content_type))
        assert status == 415
        assert content_type.encode() in said
        assert b"application/json" in said
    assert harness.taken() == []
    assert ask(harness, request("/pictures/echo", b"\xff", content_type="image/png"))[0] == 200
    assert seen(harness).data == b"\xff"


def test_variables_of_a_path_never_become_attributes(start: Start) -> None:
    routes = [
        {"path": "/shops/<int:status>/<queue>/", "methods": ["GET", "POST"]},
        {"path": "/fixed/<path:data>", "outbox": "echo"},
        {"path": "/all"},
    ]
    harness = start(routes=routes)
    ask(harness, request("/shops/7/echo"))
    event = seen(harness)
    assert event.attributes == {}
    assert event.http is not None
    assert event.http.path_params == {"status": "7"}
    ask(harness, request("/fixed/a/%C3%A4?x=%C3%A4"))
    event = seen(harness)
    assert event.http is not None
    assert (event.http.path_params, event.http.query) == ({"data": "a/ä"}, {"x": ["ä"]})
    assert (event.service, event.http.path) == ("echo", "/fixed/a/ä")
    ask(harness, request("/all/"))
    assert seen(harness).service == "web"
    assert ask(harness, request("/shops/x/echo"))[0] == 404


@pytest.mark.parametrize("path", ["no-slash", "/<queue", "/<nothing:queue>"])
def test_a_route_that_is_none_is_found_at_the_start(start: Start, path: str) -> None:
    with pytest.raises(SettingsError, match="routes"):
        start(routes=[{"path": path}])


def test_an_outbox_is_named_by_the_path_or_by_its_table(start: Start) -> None:
    came: list[str | None] = []

    def answer(event: Event, outbox: str | None) -> Event:
        came.append(outbox)
        return event

    routes = [{"path": "/<path:queue>", "outboxes": {"orders/new": "order", "orders/old/list": "history"}}]
    harness = start(answer, outboxes=("order", "history", "test_service"), routes=routes)
    for path, status in (("orders/new", 200), ("orders/old/list/", 200), ("test_service", 200), ("orders", 404)):
        assert ask(harness, request(f"/{path}", b"{}", content_type="application/json"))[0] == status
    assert came == ["order", "history", "test_service"]


def test_the_outboxes_of_a_table_are_those_that_have_to_be_connected() -> None:
    routes = [{"path": "/<path:queue>", "outboxes": {"a/b": "one"}}, {"path": "/x", "outbox": "two"}]
    made = params.build(HTTPServer.Params, {"routes": routes})
    assert HTTPServer.named_outboxes(made) == {"routes[0].outboxes.a/b": "one", "routes[1].outbox": "two"}
    unused = params.build(HTTPServer.Params, {"routes": [{"path": "/x", "outboxes": {"a/b": "one"}}]})
    [problem] = HTTPServer.check(unused)
    assert problem.path == "routes[0].outboxes"
