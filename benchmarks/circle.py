"""An HTTP full circle, a password and two XSLT on the way, against one gevent pywsgi process that does the same.

python -m benchmarks.circle [--runs 5] [--json FILE]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import report
from benchmarks.edge import free_port

HERE = Path(__file__).resolve().parent
#: Length of one measurement in seconds, and connections with one request under way on each.
SECONDS, CONNECTIONS = 4, 16
#: Where the circle listens: `expose` in circle.yaml.
CIRCLE = "127.0.0.1:8090"


def load(address: str) -> dict[str, float]:
    """Requests per second and latencies at an address, by a process of its own."""
    command = [sys.executable, "-m", "benchmarks.http_load", address, "/auth", str(SECONDS), str(CONNECTIONS)]
    read: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return read


def measure(runs: int) -> report.Rows:
    """One row: medians over the runs, the ratio to the floor of the same run."""
    port = free_port()
    kit = subprocess.Popen(
        [sys.executable, "-m", "actorkit_kit", "run", str(HERE / "circle.yaml"), "-o", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    floor = subprocess.Popen([sys.executable, "-m", "benchmarks.http_floor", str(port)])
    try:
        if kit.stdout is None or not kit.stdout.readline():
            raise SystemExit("the circle did not start; see: kit run benchmarks/circle.yaml")
        pairs = [(load(f"127.0.0.1:{port}"), load(CIRCLE)) for _ in range(runs)]
    finally:
        for process in (kit, floor):
            process.terminate()
            process.wait(60)
    ratios = [ours["per_s"] / bare["per_s"] for bare, ours in pairs]
    row = {
        "shape": "HTTP full circle",
        "floor_per_s": round(statistics.median(bare["per_s"] for bare, _ in pairs)),
        "per_s": round(statistics.median(ours["per_s"] for _, ours in pairs)),
        "p50_ms": round(statistics.median(ours["p50_ms"] for _, ours in pairs), 2),
        "p99_ms": round(statistics.median(ours["p99_ms"] for _, ours in pairs), 2),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(
        f"HTTP full circle  floor {row['floor_per_s']:,}/s  {row['per_s']:,}/s  {row['ratio']:.2f}x  {row['ratios']}  "
        f"p50 {row['p50_ms']} ms  p99 {row['p99_ms']} ms",
        flush=True,
    )
    return [row]


if __name__ == "__main__":
    report.run(__doc__, measure)
