"""One edge and a chain of two, acknowledged, against bare PUSH/PULL that sends one message an event.

python -m benchmarks.edge [--runs 5] [--json FILE]
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import report

#: Body sizes in bytes, and how many events of each are sent.
SIZES = {100: 600_000, 1024: 300_000, 10_240: 60_000}
#: Longest time for one measurement, in seconds.
LIMIT_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def actor(name: str, cls: str, params: dict[str, Any], **variables: str) -> subprocess.Popen[bytes]:
    """An actor as a process, with its admin port open as in a deployment."""
    environment = {
        **os.environ,
        "ACTORKIT_TOPOLOGY": "bench",
        "ACTORKIT_ACTOR": name,
        "ACTORKIT_CLASS": f"benchmarks.actors:{cls}",
        "ACTORKIT_PARAMS": json.dumps(params),
        "ACTORKIT_ADMIN": "127.0.0.1:0",
        "ACTORKIT_LOG_LEVEL": "warning",
        **variables,
    }
    return subprocess.Popen([sys.executable, "-m", "actorkit"], env=environment)


def result(file: Path, processes: list[subprocess.Popen[bytes]]) -> list[float]:
    """Wait for the sink's figures, then end the processes."""
    deadline = time.monotonic() + LIMIT_S
    try:
        while not (file.exists() and file.read_text()):
            if time.monotonic() > deadline:
                raise SystemExit(f"no result within {LIMIT_S} s; a process may have failed")
            time.sleep(0.02)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    return [float(part) for part in file.read_text().split()]


def floor(size_bytes: int, count: int, folder: Path) -> float:
    """Messages per second of bare PUSH/PULL, two processes."""
    endpoint, file = f"tcp://127.0.0.1:{free_port()}", folder / "floor"
    file.unlink(missing_ok=True)
    module = [sys.executable, "-m", "benchmarks.actors"]
    pull = subprocess.Popen([*module, "pull", endpoint, str(count), str(file)])
    push = subprocess.Popen([*module, "push", endpoint, str(count), str(size_bytes)])
    return result(file, [push, pull])[0]


def chain(size_bytes: int, count: int, folder: Path, between: int = 0, query: str = "") -> float:
    """Events per second from a source through `between` actors to a sink, acknowledged all the way."""
    file = folder / "chain"
    file.unlink(missing_ok=True)
    endpoints = [f"tcp://127.0.0.1:{free_port()}" for _ in range(between + 1)]
    processes = [actor("sink", "Sink", {"count": count, "file": str(file)}, ACTORKIT_INBOX=endpoints[-1])]
    for number in range(between):
        processes.append(
            actor(
                f"pass-{number}",
                "Pass",
                {},
                ACTORKIT_INBOX=endpoints[number],
                ACTORKIT_OUTBOX_NEXT=f"{endpoints[number + 1]}{query}#in",
            )
        )
    params = {"count": count, "size_bytes": size_bytes}
    processes.append(actor("source", "Source", params, ACTORKIT_OUTBOX_NEXT=f"{endpoints[0]}{query}#in"))
    return result(file, processes)[0]


def measure(runs: int) -> report.Rows:
    """One row for each size and shape: medians of the ratios to the floor of the same round."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shapes: dict[str, Callable[[int, int], float]] = {
            "source -> sink": lambda size, count: chain(size, count, folder),
            "source -> pass -> sink": lambda size, count: chain(size, count // 2, folder, between=1),
        }
        for size, count in SIZES.items():
            figures: dict[str, list[float]] = {shape: [] for shape in shapes}
            floors = []
            for _ in range(runs):
                floors.append(floor(size, count, folder))
                for shape, run in shapes.items():
                    figures[shape].append(run(size, count))
            for shape, rates in figures.items():
                ratios = [rate / base for rate, base in zip(rates, floors, strict=True)]
                rows.append(
                    {
                        "shape": shape,
                        "body_bytes": size,
                        "floor_per_s": round(statistics.median(floors)),
                        "events_per_s": round(statistics.median(rates)),
                        "ratio": round(statistics.median(ratios), 2),
                        "ratios": [round(ratio, 2) for ratio in ratios],
                    }
                )
                print(
                    f"{shape:24} {size:6} B  floor {rows[-1]['floor_per_s']:9,}/s  {rows[-1]['events_per_s']:9,}/s  "
                    f"{rows[-1]['ratio']:.2f}x  {rows[-1]['ratios']}",
                    flush=True,
                )
    return rows


if __name__ == "__main__":
    report.run(__doc__, measure)
