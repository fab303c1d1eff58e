"""A client of its own: so many requests a second, whatever becomes of them, until SIGTERM; then it tells.

python -m tests.integration.load URL RATE
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

#: Longest wait for an answer, in seconds.
TIMEOUT_S = 20.0


def ask(url: str, number: int, since: float) -> tuple[str, float, int]:
    """What became of a request: the version that answered it, or what was wrong; when it was sent; its number."""
    sent = time.monotonic() - since
    body = json.dumps({"number": number}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            said: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return f"error: {error.code} {error.read()[:200]!r}", sent, number
    except OSError as error:
        return f"error: {getattr(error, 'reason', error)!r}", sent, number
    if said["number"] != number:
        return f"error: the answer of {said['number']}", sent, number
    return str(said["version"]), sent, number


def main(url: str, rate: float) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    since, number = time.monotonic(), 0
    with ThreadPoolExecutor(256) as pool:
        jobs = []
        while not ended.wait(max(0.0, since + number / rate - time.monotonic())):
            jobs.append(pool.submit(ask, url, number, since))
            number += 1
            if number == 1:
                print("begun", flush=True)
        told = [job.result() for job in jobs]
    failures = [(round(sent, 2), what) for what, sent, _number in told if what.startswith("error")]
    versions = Counter(what for what, _sent, _number in told if not what.startswith("error"))
    print(json.dumps({"sent": number, "answered": dict(versions), "failures": failures}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
