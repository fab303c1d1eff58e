"""A load of HTTP requests over kept-alive connections, one request under way on each.

python -m benchmarks.http_load HOST:PORT PATH SECONDS CONNECTIONS   writes requests, p50 and p99 as JSON
"""

from __future__ import annotations

import base64
import json
import selectors
import socket
import sys
import time

ORDER = b"<order><customer>ACME</customer><item>tea</item><total>12.50</total></order>"


def request(host: str, path: str) -> bytes:
    """One request, as bytes."""
    credentials = base64.b64encode(b"alice:wonderland").decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\n"
        f"Content-Type: application/xml\r\nAccept: application/xml\r\nContent-Length: {len(ORDER)}\r\n\r\n"
    )
    return head.encode() + ORDER


def complete(answer: bytes) -> bool:
    """Whether a whole answer is there; it must be a 200."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not a 200: {answer[:300]!r}")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return len(body) >= length


def load(address: str, path: str, seconds: float, connections: int) -> dict[str, float]:
    """Send requests for so many seconds; returns requests per second and latencies in milliseconds."""
    host, _, port = address.rpartition(":")
    message = request(address, path)
    selector = selectors.DefaultSelector()
    sockets = [socket.create_connection((host, int(port))) for _ in range(connections)]
    begun: dict[socket.socket, float] = {}
    parts: dict[socket.socket, bytes] = {}
    taken: list[float] = []
    start = time.perf_counter()
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(one, selectors.EVENT_READ, one)
        begun[one], parts[one] = time.perf_counter(), b""
        one.sendall(message)
    while time.perf_counter() - start < seconds:
        for key, _ in selector.select(1.0):
            one = key.data
            parts[one] += one.recv(65536)
            if complete(parts[one]):
                now = time.perf_counter()
                taken.append(now - begun[one])
                begun[one], parts[one] = now, b""
                one.sendall(message)
    elapsed = time.perf_counter() - start
    for one in sockets:
        one.close()
    taken.sort()
    return {
        "per_s": len(taken) / elapsed,
        "p50_ms": taken[len(taken) // 2] * 1000,
        "p99_ms": taken[len(taken) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))))
