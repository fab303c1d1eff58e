"""How long an actor takes from its start as a process until /readyz says 200, and how much memory it then has.

    python -m benchmarks.start [--runs 5] [--json FILE]

The floor is an interpreter that imports what the runtime is made of, and nothing else.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

from tests.ports import free_port
from tests.until import until

from benchmarks import report
from benchmarks.edge import actor
from benchmarks.process import memory_mb

LIBRARIES = "import gevent, gevent.pywsgi, msgspec, prometheus_client, zmq"


def floor() -> float:
    """Milliseconds of an interpreter that imports the libraries."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    return (time.perf_counter() - begun) * 1000


def start() -> tuple[float, float]:
    """Milliseconds until ready, and resident memory in MB."""
    admin, inbox = free_port(), free_port()
    begun = time.perf_counter()
    process = actor("idle", "Idle", {}, ACTORKIT_INBOX=f"tcp://127.0.0.1:{inbox}", ACTORKIT_ADMIN=f"127.0.0.1:{admin}")
    try:
        until(lambda: ready(admin), "the actor is ready", pause_s=0.002)
        taken = (time.perf_counter() - begun) * 1000
        memory = memory_mb(process.pid)
    finally:
        process.terminate()
        process.wait(30)
    return taken, memory


def ready(port: int) -> bool:
    """Whether /readyz says 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def measure(runs: int) -> report.Rows:
    """One row: medians over the runs."""
    pairs = [(floor(), start()) for _ in range(runs)]
    row = {
        "shape": "start",
        "floor_ms": round(statistics.median(bare for bare, _ in pairs)),
        "ready_ms": round(statistics.median(taken for _, (taken, _) in pairs)),
        "ratio": round(statistics.median(taken / bare for bare, (taken, _) in pairs), 2),
        "memory_mb": round(statistics.median(memory for _, (_, memory) in pairs), 1),
    }
    print(
        f"start to ready  {row['ready_ms']} ms (imports alone {row['floor_ms']} ms, {row['ratio']}x), "
        f"{row['memory_mb']} MB",
        flush=True,
    )
    return [row]


if __name__ == "__main__":
    report.run(__doc__, measure)
