"""A client with connections that stay: so many orders a second, whatever becomes of them, until SIGTERM.

python -m benchmarks.outages.client HOST PORT RATE
"""

from __future__ import annotations

import base64
import http.client
import json
import select
import signal
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tests.integration.shop import ORDER, PASSWORD, USER

#: How long an answer is waited for, and a connection, in seconds.
TIMEOUT_S: Final = 30.0
#: Between two attempts to connect, in seconds.
PAUSE_S: Final = 0.05
#: A server that goes away has this many connections of ours at most.
CONNECTIONS: Final = 64
_TOKEN: Final = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
HEADERS: Final = {"Authorization": f"Basic {_TOKEN}", "Content-Type": "application/xml"}


@dataclass
class Told:
    """What became of all requests."""

    sent: int = 0
    #: What was wrong → how often.
    failures: Counter[str] = field(default_factory=Counter)
    #: Connections that ended before an answer, and those that there were none; the request was sent again.
    resets: int = 0
    refused: int = 0
    longest_s: float = 0.0


class Client:
    """Sends orders over connections that stay open, a thread each."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._own = threading.local()
        self._lock = threading.Lock()
        self.told = Told()

    def order(self) -> None:
        """Send an order, until there is an answer or its time is over."""
        begun, resets, refused, said = time.monotonic(), 0, 0, None
        while said is None:
            if time.monotonic() - begun > TIMEOUT_S:
                said = "no answer in time"
            elif not self._connect():
                refused += 1
                time.sleep(PAUSE_S)
            else:
                try:
                    said = self._ask()
                except (http.client.HTTPException, OSError):
                    self._forget()
                    resets += 1
        with self._lock:
            self.told.sent += 1
            self.told.resets += resets
            self.told.refused += refused
            self.told.longest_s = max(self.told.longest_s, time.monotonic() - begun)
            if said:
                self.told.failures[said] += 1

    def _connect(self) -> bool:
        """Have a connection; one that the server has closed meanwhile is replaced, as every client does."""
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is not None and connection.sock is not None:
            if not select.select([connection.sock], [], [], 0)[0]:
                return True
            self._forget()
        connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT_S)
        try:
            connection.connect()
        except OSError:
            return False
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._own.connection = connection
        return True

    def _ask(self) -> str:
        """What is wrong with the answer to an order; empty where nothing is."""
        connection: http.client.HTTPConnection = self._own.connection
        connection.request("POST", "/auth", ORDER, HEADERS)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == http.HTTPStatus.OK and body.startswith(b"<ack"):
            return ""
        return f"{answer.status} {body[:160]!r}"

    def _forget(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
            self._own.connection = None


def main(host: str, port: int, rate: float) -> None:
    """Send orders until SIGTERM, wait for what is under way, and write what became of them as JSON."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    client, since, number = Client(host, port), time.monotonic(), 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        while not ended.wait(max(0.0, since + number / rate - time.monotonic())):
            pool.submit(client.order)
            number += 1
            if number == 1:
                print("begun", flush=True)
    told = client.told
    print(json.dumps(vars(told)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
