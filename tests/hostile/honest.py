"""Honest clients, as a process of their own.

python -m tests.hostile.honest PORT CLIENTS   asks until SIGTERM; writes answers, failures and p99 as JSON
"""

from __future__ import annotations

import http.client
import json
import signal
import sys
import threading
import time
from collections import Counter

BODY = json.dumps({"order": {"item": "tea", "note": "x" * 800}}).encode()


class Asking:
    """Some clients, each with one request after the other on a connection that is kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.stop = threading.Event()
        self.taken: list[float] = []
        self.failed: Counter[str] = Counter()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.stop.is_set():
            begun = time.perf_counter()
            try:
                connection.request("POST", "/echo", BODY, {"Content-Type": "application/json"})
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


def main(port: int, clients: int) -> None:
    """Ask until SIGTERM."""
    asking = Asking(port)
    signal.signal(signal.SIGTERM, lambda *_: asking.stop.set())
    threads = [threading.Thread(target=asking.run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    asking.stop.wait()
    for thread in threads:
        thread.join()
    asking.taken.sort()
    count = len(asking.taken)
    found = {
        "answers": count - sum(asking.failed.values()),
        "failed": asking.failed,
        "p50_ms": round(asking.taken[count // 2] * 1000, 1),
        "p99_ms": round(asking.taken[count * 99 // 100] * 1000, 1),
        "max_ms": round(asking.taken[-1] * 1000, 1),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
