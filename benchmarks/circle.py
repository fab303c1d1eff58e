"""An HTTP full circle, a password and two XSLT on the way, against one gevent pywsgi process that does the same.

python -m benchmarks.circle [--runs 5] [--json FILE]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.ports import free_port

from benchmarks import report
from benchmarks.process import family_cpu_s

HERE = Path(__file__).resolve().parent
#: Length of one measurement in seconds.
SECONDS = 4
#: Connections, with one request under way on each: few, where each hop waits for the next, and more.
CONNECTIONS = (16, 64)
#: Where the circle listens as it is written in circle.yaml; here it gets a free port.
WRITTEN_PORT = "8090"


def load(address: str, connections: int, pid: int) -> dict[str, float]:
    """Requests per second and latencies at an address, by a process of its own; and the CPU time of a request in the
    processes that serve it, `pid` and its descendants."""
    command = [sys.executable, "-m", "benchmarks.http_load", address, "/auth", str(SECONDS), str(connections)]
    begun = family_cpu_s(pid)
    read: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    read["cpu_us"] = (family_cpu_s(pid) - begun) / (read["per_s"] * SECONDS) * 1e6
    return read


def measure(runs: int) -> report.Rows:
    """One row for each number of connections: medians over the runs, the ratio to the floor of the same run."""
    ports = free_port(), free_port()
    bare, circle = (f"127.0.0.1:{port}" for port in ports)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("circle.yaml", "request.xsl", "answer.xsl"):
            text = (HERE / name).read_text()
            (Path(folder) / name).write_text(text.replace(WRITTEN_PORT, str(ports[1])))
        return against(bare, circle, Path(folder) / "circle.yaml", runs)


def against(bare: str, circle: str, topology: Path, runs: int) -> report.Rows:
    """The rows of the circle that a topology makes at one address, and of the floor at the other."""
    kit = subprocess.Popen(
        [sys.executable, "-m", "actorkit_kit", "run", str(topology), "-o", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    floor = subprocess.Popen([sys.executable, "-m", "benchmarks.http_floor", bare.rpartition(":")[2]])
    try:
        if kit.stdout is None or not kit.stdout.readline():
            raise SystemExit("the circle did not start; see: kit run benchmarks/circle.yaml")
        return [
            row(many, [(load(bare, many, floor.pid), load(circle, many, kit.pid)) for _ in range(runs)])
            for many in CONNECTIONS
        ]
    finally:
        for process in (kit, floor):
            process.terminate()
            process.wait(60)


def row(connections: int, pairs: list[tuple[dict[str, float], dict[str, float]]]) -> dict[str, Any]:
    """One row of the table, which is also printed; `pairs` are the floor's figures and ours."""
    ratios = [ours["per_s"] / bare["per_s"] for bare, ours in pairs]
    made = {
        "shape": "HTTP full circle",
        "connections": connections,
        "floor_per_s": round(statistics.median(bare["per_s"] for bare, _ in pairs)),
        "per_s": round(statistics.median(ours["per_s"] for _, ours in pairs)),
        "p50_ms": round(statistics.median(ours["p50_ms"] for _, ours in pairs), 2),
        "p99_ms": round(statistics.median(ours["p99_ms"] for _, ours in pairs), 2),
        "floor_cpu_us": round(statistics.median(bare["cpu_us"] for bare, _ in pairs)),
        "cpu_us": round(statistics.median(ours["cpu_us"] for _, ours in pairs)),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(
        f"HTTP full circle, {connections} connections  floor {made['floor_per_s']:,}/s  {made['per_s']:,}/s  "
        f"{made['ratio']:.2f}x  {made['ratios']}  p50 {made['p50_ms']} ms  p99 {made['p99_ms']} ms  "
        f"CPU {made['cpu_us']} us a request, floor {made['floor_cpu_us']} us",
        flush=True,
    )
    return made


if __name__ == "__main__":
    report.run(__doc__, measure)
