"""What input from strangers costs: n of each kind and 4n.

A factor of 4 is what the bytes alone cost; one of 16 would mean that a message can stop a server. Where the longer one
is refused, the factor is small.

python -m benchmarks.hostile [--json FILE]
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

from actorkit.edge.ledger import Root
from actorkit.edge.peers import Peers
from actorkit.edge.sender import Sender
from actorkit.errors import ActorkitError
from actorkit.event import Event, xml
from actorkit.event.body import parse_json
from actorkit.event.parcel import Parcel, Waiter
from actorkit_actors.http import accept, media, problem
from actorkit_actors.http.budget import Budget
from actorkit_actors.http.parser import Parser
from benchmarks import report

#: Elements, keys, fields, headers … of the shorter message.
MANY: Final = 20_000


class Limits:
    """The bounds of a server that is asked for more than it takes."""

    idle_timeout_s = 60.0
    max_body_bytes = 64 << 20
    max_header_bytes = 32 << 10


def parse_http(data: bytes) -> None:
    """Read requests as a connection does."""
    parser = Parser(Limits(), Budget(1 << 30), lambda: None, lambda: None)
    for begin in range(0, len(data), 65536):
        parser.feed(data[begin : begin + 65536])
        parser.requests.clear()
        if parser.refusal is not None:
            return


def post(body: bytes, *headers: bytes) -> bytes:
    """A request with some headers."""
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % len(body)
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def parse_each(requests: list[bytes]) -> None:
    """Read requests of which each comes on a connection of its own, as a refusal ends it."""
    for request in requests:
        parse_http(request)


def refused(line: bytes, host: bytes = b"a") -> Callable[[int], list[bytes]]:
    """Makes requests that are refused at their head."""
    return lambda n: [line + b"\r\nHost: " + host + b"\r\n\r\n"] * (n // 10)


def crumbs(n: int) -> bytes:
    """A chunked body of chunks of two bytes."""
    return b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"2\r\nab\r\n" * n + b"0\r\n\r\n"


def multipart(n: int) -> bytes:
    """A form of so many parts."""
    return (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % k for k in range(n)) + b"--x--\r\n"
    )


def attributes(n: int) -> bytes:
    return b"<a " + b" ".join(b'a%d="1"' % k for k in range(n)) + b"/>"


def namespaces(n: int) -> bytes:
    return b"<a " + b" ".join(b'xmlns:a%d="u%d"' % (k, k) for k in range(n)) + b"/>"


def scoped(n: int) -> bytes:
    """As many namespaces as are let in, and elements below them that use and declare more."""
    declared = b" ".join(b'xmlns:a%d="u%d"' % (k, k) for k in range(98))
    return b"<r " + declared + b">" + b'<a7:b xmlns:x="y" x:c="d"/>' * n + b"</r>"


def read(header: str) -> Callable[[bytes], object]:
    return lambda body: media.read(header, body)


def to_json(document: bytes) -> object:
    return xml.to_json(xml.parse(document))


def ask_type(header: bytes) -> object:
    media.parse_content_type.cache_clear()
    return media.content_type(header.decode())


def ask_accept(header: bytes) -> object:
    accept.offers_for.cache_clear()
    return problem.write({"accept": header.decode()}, [])


def give_up(n: int) -> None:
    """Requests behind a service that is dead, of which each is withdrawn when its time is over."""
    made = Sender("t", "web", "web-1", "dead", Peers.parse("tcp://dead:1#web"))
    event, entry = Event(b""), Root(lambda: None)
    for number in range(n):
        waiter = Waiter("web-1", number.to_bytes(16, "big"))
        made.put(Parcel(number, 0, "b", b"", b"", {"web": waiter}), entry, event)
    for number in range(n):
        made.withdraw(number.to_bytes(16, "big"))


FORM: Final = "application/x-www-form-urlencoded"

#: Kind → (makes the input of a size, what is done with it).
KINDS: Final[dict[str, tuple[Callable[[int], Any], Callable[[Any], object]]]] = {
    "HTTP: headers": (lambda n: post(b"", *(b"X-%d: a" % k for k in range(n))), parse_http),
    "HTTP: headers of one name": (lambda n: post(b"", *(b"A: b" for _ in range(n))), parse_http),
    "HTTP: long header": (lambda n: post(b"", b"X: " + b"a" * n), parse_http),
    "HTTP: long address": (lambda n: b"GET /" + b"a" * n + b" HTTP/1.1\r\nHost: a\r\n\r\n", parse_http),
    "HTTP: crumbs": (crumbs, parse_http),
    "HTTP: requests": (lambda n: post(b"") * n, parse_http),
    "refusal: a broken Host": (refused(b"GET /a HTTP/1.1", b"a b"), parse_each),
    "refusal: HTTP/2.0": (refused(b"GET /a HTTP/2.0"), parse_each),
    "refusal: CONNECT": (refused(b"CONNECT a:1 HTTP/1.1"), parse_each),
    "Content-Type: length": (lambda n: b'text/plain; a="' + b"\\" * n + b'"', ask_type),
    "Accept: ranges": (lambda n: b"a/b;q=0.1," * n, ask_accept),
    "Accept: +json": (lambda n: b",".join(b"application/a%d+json" % k for k in range(n // 400)), ask_accept),
    "JSON: depth": (lambda n: b"[" * n + b"]" * n, read("application/json")),
    "JSON: width": (lambda n: b"[" + b"{}," * n + b"1]", read("application/json")),
    "JSON: keys": (lambda n: b"{" + b",".join(b'"k%d":1' % k for k in range(n)) + b"}", read("application/json")),
    "JSON: broken at the end": (lambda n: b"[" + b"{},\n" * n + b"!", read("application/json")),
    "JSON: digits": (lambda n: b"1" * n, read("application/json")),
    "text: charset": (lambda n: b"a" * 20 * n, read("text/plain; charset=punycode")),
    "text: utf-16": (lambda n: ("ä" * 20 * n).encode("utf-16"), read("text/plain; charset=utf-16")),
    "form: fields": (lambda n: b"a=1&" * n, read(FORM)),
    "form: escapes": (lambda n: b"a=" + b"%41" * 4 * n, read(FORM)),
    "form: parts": (multipart, read("multipart/form-data; boundary=x")),
    "form: dashes": (lambda n: b"\r\n--" * 5 * n, read("multipart/form-data; boundary=x")),
    "form: one long part": (
        lambda n: multipart(1).replace(b"1\r\n--x--", b"\r\n-" * 5 * n + b"\r\n--x--"),
        read("multipart/form-data; boundary=x"),
    ),
    "XML: depth": (lambda n: b"<a>" * n + b"</a>" * n, read("text/xml")),
    "XML: width": (lambda n: b"<r>" + b"<a/>" * n + b"</r>", read("text/xml")),
    "XML: attributes": (attributes, read("text/xml")),
    "XML: namespaces": (namespaces, read("text/xml")),
    "XML: names": (lambda n: b"<r>" + b"".join(b"<a%d/>" % k for k in range(n)) + b"</r>", read("text/xml")),
    "XML: comments": (lambda n: b"<r>" + b"<!---->" * n + b"</r>", read("text/xml")),
    "XML to JSON: width": (lambda n: b"<r>" + b"<a/>" * n + b"</r>", to_json),
    "XML to JSON: names": (lambda n: b"<r>" + b"".join(b"<a%d/>" % k for k in range(n)) + b"</r>", to_json),
    "XML to JSON: text": (lambda n: b"<r>" + b"<a/>t<!---->" * n + b"</r>", to_json),
    "XML to JSON: attributes": (lambda n: b"<r>" + attributes(250) * (n // 250) + b"</r>", to_json),
    "XML to JSON: namespaces": (scoped, to_json),
    "JSON to XML: width": (lambda n: {"r": {"a": [None] * n}}, xml.from_json),
    "JSON to XML: keys": (lambda n: {"r": {f"a{k}": 1 for k in range(n)}}, xml.from_json),
    "JSON to XML: attributes": (lambda n: {"r": {f"@a{k}": "1" for k in range(n)}}, xml.from_json),
    "JSON to XML: namespaces": (lambda n: {"r": {f"@xmlns:a{k}": "1" for k in range(n)}}, xml.from_json),
    "JSON to XML: list": (lambda n: parse_json(b"[" + b"1," * n + b"1]"), xml.from_json),
    "JSON to XML: long name": (lambda n: {"a b" * n: 1}, xml.from_json),
    "dead service: requests": (lambda n: n // 4, give_up),
}


def cost_ms(made: Any, use: Callable[[Any], object], rounds: int) -> float:
    """The least CPU time of some rounds; refusals count as well."""
    least = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        with contextlib.suppress(ActorkitError):
            use(made)
        least = min(least, time.thread_time() - begun)
    return least * 1000


def measure(runs: int, many: int = MANY) -> report.Rows:
    """One row for each kind."""
    rows = []
    for kind, (make, use) in KINDS.items():
        short, long = cost_ms(make(many), use, runs), cost_ms(make(4 * many), use, runs)
        # What takes less than a tenth of a millisecond is below what the clock can tell.
        factor = max(long, 0.1) / max(short, 0.1)
        rows.append(
            {"kind": kind, "n": many, "n_ms": round(short, 2), "4n_ms": round(long, 2), "factor": round(factor, 1)}
        )
        print(f"{kind:28} n {short:9.2f} ms  4n {long:9.2f} ms  factor {factor:5.1f}", flush=True)
    return rows


if __name__ == "__main__":
    report.run(__doc__, measure)
