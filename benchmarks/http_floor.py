"""The floor of an HTTP full circle: one gevent pywsgi process that checks a password and runs two XSLT itself."""

from __future__ import annotations

import base64
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gevent.pywsgi import WSGIServer
from lxml import etree

HERE = Path(__file__).resolve().parent


def application(user: str, password: str) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """The WSGI application."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    submit = etree.XSLT(etree.parse(str(HERE / "request.xsl")))
    acknowledge = etree.XSLT(etree.parse(str(HERE / "answer.xsl")))

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_AUTHORIZATION") != wanted:
            start_response("401 Unauthorized", [("WWW-Authenticate", "Basic"), ("Content-Length", "0")])
            return [b""]
        order = submit(etree.fromstring(environ["wsgi.input"].read()))
        answer = etree.tostring(acknowledge(order))
        start_response("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(answer)))])
        return [answer]

    return app


class Prompt(WSGIServer):  # type: ignore[misc]  # gevent has no types
    """Sends at once: pywsgi writes head and body one after the other, and Nagle's algorithm would hold the second back
    for 40 ms. The floor shall not profit from our not falling into that."""

    def do_handle(self, sock: socket.socket, *rest: Any) -> Any:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return super().do_handle(sock, *rest)


if __name__ == "__main__":
    Prompt(("127.0.0.1", int(sys.argv[1])), application("alice", "wonderland"), log=None).serve_forever()
