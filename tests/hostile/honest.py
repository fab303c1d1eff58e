"""Honest clients, as a process of their own.

python -m tests.hostile.honest PORT CLIENTS PATH [NAME:PASSWORD]…   asks until SIGTERM; writes answers, failures and p99
as JSON. The clients log in with these, in turn. The answer has to be what was sent.
"""

from __future__ import annotations

import base64
import http.client
import json
import signal
import sys
import threading
import time
from collections import Counter

from tests.hostile.report import figures

BODY = json.dumps({"order": {"item": "tea", "note": "x" * 800}}).encode()


class Asking:
    """Some clients, each with one request after the other on a connection that is kept."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self.stop = threading.Event()
        self.taken: list[float] = []
        self.failed: Counter[str] = Counter()

    def run(self, login: str) -> None:
        """Ask until the end, with this name and password if there is one."""
        headers = {"Content-Type": "application/json"}
        if login:
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.stop.is_set():
            begun = time.perf_counter()
            try:
                connection.request("POST", self._path, BODY, headers)
                answer = connection.getresponse()
                right = (answer.status, answer.read()) == (200, BODY)
                if not right:
                    self.failed[str(answer.status)] += 1
            except OSError as exc:
                self.failed[repr(exc)] += 1
                connection.close()
            self.taken.append(time.perf_counter() - begun)
            self.stop.wait(0.02)
        connection.close()


def main(port: int, clients: int, path: str, *logins: str) -> None:
    """Ask until SIGTERM."""
    asking = Asking(port, path)
    signal.signal(signal.SIGTERM, lambda *_: asking.stop.set())
    mine = [logins[number % len(logins)] if logins else "" for number in range(clients)]
    threads = [threading.Thread(target=asking.run, args=[login]) for login in mine]
    for thread in threads:
        thread.start()
    asking.stop.wait()
    for thread in threads:
        thread.join()
    print(json.dumps(figures(asking.taken, asking.failed)))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
