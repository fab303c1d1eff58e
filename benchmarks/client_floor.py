"""urllib3 alone under gevent: posts as fast as it can, so many requests at a time, and prints requests per second.

python -m benchmarks.client_floor URL COUNT WARM_UP CONCURRENCY SIZE_BYTES
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402  # gevent comes first
import time  # noqa: E402

import gevent  # noqa: E402
import urllib3  # noqa: E402


def main(url: str, count: int, warm_up: int, concurrency: int, size_bytes: int) -> float:
    """Requests per second, without those of the beginning."""
    pool = urllib3.PoolManager(maxsize=concurrency, block=True, retries=False)
    body, marks = b"x" * size_bytes, [0.0]
    numbers = iter(range(1, count + 1))

    def ask() -> None:
        for number in numbers:
            headers = {"Content-Type": "application/octet-stream"}
            if pool.request("POST", url, body=body, headers=headers).status != 200:
                raise SystemExit(f"{url} has refused a request")
            if number == warm_up:
                marks[0] = time.perf_counter()

    gevent.joinall([gevent.spawn(ask) for _ in range(concurrency)], raise_error=True)
    return (count - warm_up) / (time.perf_counter() - marks[0])


if __name__ == "__main__":
    print(main(sys.argv[1], *map(int, sys.argv[2:])))
