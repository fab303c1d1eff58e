"""http-client → http-server beside bare urllib3, which asks the same server as often at a time: source → http-client →
sink, each a process, against one process of urllib3 under gevent.

python -m benchmarks.client [--runs 5] [--json FILE]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.ports import free_port

from benchmarks import report
from benchmarks.edge import actor, result

#: Requests of one measurement, the first that are not counted, how many are under way, and bytes of a body.
COUNT, WARM_UP, CONCURRENCY, SIZE_BYTES = 6_000, 500, 16, 100


def server(port: int) -> subprocess.Popen[bytes]:
    """An http-server that answers by itself, so that it costs both the same."""
    route = {"path": "/orders", "answer": {"text": "taken"}}
    params = {"host": "127.0.0.1", "port": port, "routes": [route]}
    return actor("web", "", params, ACTORKIT_CLASS="actorkit_actors.http.http_server:HTTPServer")


def ours(url: str, folder: Path) -> float:
    """Requests per second of http-client."""
    file = folder / "client"
    file.unlink(missing_ok=True)
    ends = [f"tcp://127.0.0.1:{free_port()}" for _ in range(2)]
    sink = {"count": COUNT, "file": str(file), "warm_up": WARM_UP}
    ask: dict[str, Any] = {"url": url, "concurrency": CONCURRENCY, "private_networks": ["127.0.0.0/8"]}
    name = "actorkit_actors.http.http_client:HTTPClient"
    variables = {"ACTORKIT_CLASS": name, "ACTORKIT_INBOX": ends[0], "ACTORKIT_OUTBOX_NEXT": f"{ends[1]}#in"}
    source = {"count": COUNT, "size_bytes": SIZE_BYTES}
    processes = [
        actor("sink", "Sink", sink, ACTORKIT_INBOX=ends[1]),
        actor("client", "", ask, **variables),
        actor("source", "Source", source, ACTORKIT_OUTBOX_NEXT=f"{ends[0]}#in"),
    ]
    return result(file, processes)[0]


def floor(url: str) -> float:
    """Requests per second of urllib3 in a process of its own."""
    given = [url, *map(str, (COUNT, WARM_UP, CONCURRENCY, SIZE_BYTES))]
    command = [sys.executable, "-m", "benchmarks.client_floor", *given]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


def measure(runs: int) -> report.Rows:
    """The row: medians over the runs."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/orders"
    web = server(port)
    try:
        with tempfile.TemporaryDirectory() as name:
            pairs = [(ours(url, Path(name)), floor(url)) for _ in range(runs)]
    finally:
        web.terminate()
        web.wait(30)
    rate, bare = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    ratios = [pair[0] / pair[1] for pair in pairs]
    made = {
        "shape": "http-client -> http-server",
        "per_s": round(rate),
        "floor_per_s": round(bare),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(
        f"http-client -> http-server  {rate:,.0f}/s  urllib3 {bare:,.0f}/s  {made['ratio']}x  {made['ratios']}",
        flush=True,
    )
    return [made]


if __name__ == "__main__":
    report.run(__doc__, measure)
