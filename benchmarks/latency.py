"""What a hop adds at 1,000 events a second, and what an idle actor costs.

python -m benchmarks.latency [--runs 5] [--json FILE]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.ports import free_port

from benchmarks import report
from benchmarks.edge import actor, result
from benchmarks.process import cpu_s, memory_mb

#: Events of one measurement, and their rate.
COUNT, PER_S = 4_000, 1_000.0
#: How long an idle actor is watched, in seconds.
IDLE_S = 10.0


def floor(folder: Path) -> list[float]:
    """p50 and p99 of bare PUSH/PULL in microseconds."""
    endpoint, file = f"tcp://127.0.0.1:{free_port()}", folder / "floor"
    file.unlink(missing_ok=True)
    module = [sys.executable, "-m", "benchmarks.actors"]
    clock = subprocess.Popen([*module, "clock", endpoint, str(COUNT), str(file)])
    tick = subprocess.Popen([*module, "tick", endpoint, str(COUNT), str(PER_S)])
    return result(file, [tick, clock])


def hop(folder: Path) -> list[float]:
    """p50 and p99 from one actor to the next in microseconds."""
    endpoint, file = f"tcp://127.0.0.1:{free_port()}", folder / "hop"
    file.unlink(missing_ok=True)
    clock = actor("clock", "Clock", {"count": COUNT, "file": str(file)}, ACTORKIT_INBOX=endpoint)
    ticker = actor("ticker", "Ticker", {"count": COUNT, "per_s": PER_S}, ACTORKIT_OUTBOX_NEXT=f"{endpoint}#in")
    return result(file, [ticker, clock])


def idle() -> tuple[float, float]:
    """Of an actor with a peer at each side and nothing to do: CPU in percent of one core, memory in MB."""
    endpoints = [f"tcp://127.0.0.1:{free_port()}" for _ in range(2)]
    processes = [
        actor("down", "Idle", {}, ACTORKIT_INBOX=endpoints[1]),
        actor("middle", "Idle", {}, ACTORKIT_INBOX=endpoints[0], ACTORKIT_OUTBOX_NEXT=f"{endpoints[1]}#in"),
        actor("up", "Idle", {}, ACTORKIT_OUTBOX_NEXT=f"{endpoints[0]}#in"),
    ]
    pid = processes[1].pid
    try:
        time.sleep(3)
        before = cpu_s(pid)
        time.sleep(IDLE_S)
        used = (cpu_s(pid) - before) / IDLE_S * 100
        memory = memory_mb(pid)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    return used, memory


def measure(runs: int) -> report.Rows:
    """The rows: medians over the runs."""
    with tempfile.TemporaryDirectory() as name:
        pairs = [(floor(Path(name)), hop(Path(name))) for _ in range(runs)]
    bare = [statistics.median(pair[0][place] for pair in pairs) for place in (0, 1)]
    ours = [statistics.median(pair[1][place] for pair in pairs) for place in (0, 1)]
    used, memory = idle()
    for name, ours_us, bare_us in zip(("p50", "p99"), ours, bare, strict=True):
        print(f"one hop at {PER_S:,.0f}/s  {name}  {ours_us:6.0f} us (bare {bare_us:.0f})")
    print(f"idle actor          {used:.1f} % of a core, {memory:.1f} MB", flush=True)
    return [
        {"shape": "hop", "p50_us": ours[0], "p99_us": ours[1], "floor_p50_us": bare[0], "floor_p99_us": bare[1]},
        {"shape": "idle", "cpu_percent": round(used, 2), "memory_mb": round(memory, 1)},
    ]


if __name__ == "__main__":
    report.run(__doc__, measure)
