from __future__ import annotations

import gzip
import socket
import ssl
from functools import partial
from typing import Any

import pytest
import trustme
import urllib3

from actorkit import Event, Forbidden, Http, params
from actorkit_actors.http import addresses
from actorkit_actors.http.http_client import HTTPClient
from tests.actors.http.upstreams import Asked, Says, ask, client, echo, failure, upstream


def test_a_401_reaches_those_whose_credentials_were_passed_on() -> None:
    with upstream(lambda asked: Says(401, headers={"www-authenticate": 'Bearer realm="x"'})) as server:
        with client(server, forward_headers=["authorization"]) as one:
            found = failure(one, Event("x", http=Http(headers={"authorization": "Bearer theirs"})))
    assert (found.status, found.headers) == (401, [("WWW-Authenticate", 'Bearer realm="x"')])


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_a_header_with_a_line_break_is_never_sent(value: str) -> None:
    with upstream(echo) as server:
        with client(server, forward_headers=["x-a"]) as one:
            assert failure(one, Event("x", http=Http(headers={"x-a": value}))).status == 400
        assert server.asked == []
    [problem] = HTTPClient.check(params.build(HTTPClient.Params, {"url": "http://a/", "headers": {"x-a": value}}))
    assert problem.path == "headers.x-a"


def test_redirects_are_followed_as_far_as_they_are_allowed() -> None:
    def answer(asked: Asked) -> Says:
        if asked.path == "/end":
            return Says(200, asked.method.encode())
        return Says(int(asked.path[1:]), headers={"location": "/end"})

    with upstream(answer) as server:
        for status, method in ((301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")):
            with client(server, f"/{status}") as one:
                assert ask(one, Event("x")).data == method.encode()
        with client(server, "/302", redirects=0) as one:
            assert failure(one).status == 502


def test_a_redirect_to_another_origin_takes_no_credentials_and_no_body_along() -> None:
    with upstream(echo) as other:
        with upstream(lambda asked: Says(int(asked.path[1:]), headers={"location": other.url})) as server:
            given: dict[str, Any] = {"authorization": "Bearer ours", "headers": {"x-api-key": "k"}}
            with client(server, "/303", **given) as one:
                ask(one, Event("x"))
            with client(server, "/307", **given) as one:
                assert failure(one).status == 502
            with client(server, "/307", method="GET", **given) as one:
                ask(one, Event("x"))
    assert [asked.method for asked in other.asked] == ["GET", "GET"]
    for asked in other.asked:
        assert not {"authorization", "x-api-key", "idempotency-key", "content-type"} & asked.headers.keys()


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://u:p@127.0.0.1/", "//", "http://a:b/", "gopher://x/"]
)
def test_a_redirect_to_what_is_no_web_is_not_followed(location: str) -> None:
    with upstream(lambda asked: Says(302, headers={"location": location})) as server:
        with client(server, method="GET") as one:
            assert failure(one).status == 502


def test_a_private_address_is_refused_whatever_leads_to_it() -> None:
    with upstream(echo) as inner:
        another = inner.url.replace("127.0.0.1", "127.0.0.2")
        with upstream(lambda asked: Says(302, headers={"location": another})) as server:
            with client(server, private_networks=[]) as one:
                found = failure(one)
                assert (found.status, found.code) == (403, "private-address")
            assert server.asked == []
            with client(server, private_networks=["127.0.0.1/32"], method="GET") as one:
                assert failure(one).code == "private-address"
            assert len(server.asked) == 1
        assert inner.asked == []


def test_a_name_is_refused_that_is_answered_with_a_private_address() -> None:
    looked_up: list[str] = []

    def resolve(host: str, port: int, **more: Any) -> Any:
        looked_up.append(host)
        return socket.getaddrinfo("127.0.0.1", port, **more)

    allowed = addresses.Addresses((), resolve)
    with upstream(echo) as inner, urllib3.PoolManager() as pool:
        pool.pool_classes_by_scheme = addresses.pools(allowed)
        with pytest.raises(Forbidden) as caught:
            pool.request("GET", f"http://public.example:{inner.url.rpartition(':')[2]}/", retries=False)
        assert inner.asked == []
    assert (looked_up, caught.value.code) == (["public.example"], "private-address")


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "ff02::1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "2001:0:1::1", "64:ff9b:1::1", "nothing", "",
    ],
)  # fmt: skip
def test_addresses_that_are_private_in_whatever_writing(text: str) -> None:
    assert not addresses.Addresses(()).allow(text)


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:4700::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_addresses_that_are_public(text: str) -> None:
    assert addresses.Addresses(()).allow(text)


def test_a_named_network_is_allowed_in_each_writing() -> None:
    allowed = addresses.Addresses(("10.1.0.0/16", "fd00::/8"))
    assert all(map(allowed.allow, ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1")))
    assert not allowed.allow("10.2.0.1")


def test_an_answer_has_a_limit_also_when_it_is_unpacked() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    with upstream(lambda asked: Says(200, bomb, {"content-encoding": "gzip"})) as server:
        with client(server, max_body_bytes=1_000_000) as one:
            assert "longer than 1000000 bytes" in failure(one).message
    packed = gzip.compress(b"hello" * 1000)
    with upstream(
        lambda asked: Says(200, packed, {"content-encoding": "gzip", "content-type": "text/plain"})
    ) as server:
        with client(server) as one:
            assert ask(one, Event("x")).data == "hello" * 1000


def test_an_answer_that_breaks_off_or_is_no_data_is_the_servers_fault() -> None:
    for said in (
        Says(200, b"half", {"content-length": "9"}),
        Says(200, b"{", {"content-type": "application/json"}),
        Says(200, b"<a>", {"content-type": "text/xml"}),
        Says(200, b"junk", {"content-encoding": "gzip"}),
        Says(200, b"x", {"content-type": "text/plain; charset=rot13"}),
    ):
        with upstream(partial(_always, said)) as server:
            with client(server) as one:
                assert failure(one).status == 502


def _always(said: Says, asked: Asked) -> Says:
    return said


def test_tls_is_verified_and_the_client_has_a_certificate_of_its_own() -> None:
    ca, other = trustme.CA(), trustme.CA()
    mine = ca.issue_cert("client@example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    pem = ca.cert_pem.bytes().decode()
    own = {
        "certfile": "".join(one.bytes().decode() for one in mine.cert_chain_pems),
        "keyfile": mine.private_key_pem.bytes().decode(),
    }
    with upstream(echo, context) as server:
        with client(server, cafile=pem, **own) as one:
            assert ask(one, Event("x")).data == "x"
        with client(server, cafile=pem) as one:
            assert failure(one).status == 502
        with client(server, cafile=other.cert_pem.bytes().decode(), **own) as one:
            assert failure(one).status == 502
        with client(server.url.replace("127.0.0.1", "127.0.0.2"), cafile=pem, **own) as one:
            assert failure(one).status == 502
        assert len(server.asked) == 1


def test_a_proxy_is_asked_and_a_private_address_behind_it_refused() -> None:
    with upstream(lambda asked: Says(200, asked.path.encode())) as proxy:
        with_login = proxy.url.replace("//", "//ann:secret1@")
        with client("http://elsewhere.example/a", proxy=with_login, private_networks=[]) as one:
            assert ask(one, Event("x")).data == b"http://elsewhere.example/a"
        assert proxy.asked[0].headers["proxy-authorization"].startswith("Basic ")
        for url in ("http://127.0.0.1:1/", "http://[::1]:1/", "http://127.1:1/", "http://2130706433/"):
            with client(url, proxy=with_login, private_networks=[]) as one:
                assert failure(one).code == "private-address"


def test_credentials_stand_in_no_failure_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with upstream(lambda asked: Says(500, b"you said " + asked.headers["authorization"].encode())) as server:
        with client(server, "/?token=hidden-in-query", authorization="Bearer very-secret-token") as one:
            found = failure(one)
    text = f"{found}{[record.getMessage() for record in caplog.records if record.name.startswith('actorkit')]}"
    assert "very-secret-token" not in text
    assert "hidden-in-query" not in text
