"""Edges in a few shapes, acknowledged, against bare PUSH/PULL that sends one message an event.

The row "frames alone" is no edge: two bare sockets and msgspec pass on the frames that a backlog makes, and nobody
keeps a ledger, acknowledges, or makes events of them. It tells how much an edge that writes such frames could carry.

python -m benchmarks.edge [--runs 5] [--json FILE]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from tests.ports import free_port
from tests.until import until

from actorkit.edge.wire import MAX_BATCH, MAX_BATCH_BYTES
from actorkit.transport import topology_keys
from benchmarks import report

#: Body sizes in bytes, and how many events of each are sent.
SIZES = {100: 600_000, 1024: 300_000, 10_240: 120_000}
#: What is measured, by its name in the table: (body bytes, events) → events per second.
Shapes = dict[str, Callable[[int, int], float]]
#: Two of the shapes, which are compared with each other as well.
PLAIN, CURVE = "source -> sink", "source -> sink, CURVE"
#: How much goes through the cipher when that is measured alone, in bytes.
CIPHER_BYTES = 1 << 30
#: Longest time for one measurement, in seconds.
LIMIT_S = 120


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

    def figures() -> str:
        failed = [process.args for process in processes if process.poll()]
        if failed:
            raise SystemExit(f"a process has failed: {failed}")
        return file.read_text() if file.exists() else ""

    try:
        found = until(figures, "the sink has written its figures", LIMIT_S, pause_s=0.02)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    return [float(part) for part in found.split()]


def floor(size_bytes: int, count: int, folder: Path, keys: Path | None = None, what: str = "") -> float:
    """Events per second of bare PUSH/PULL, two processes, a message each; with `keys` over CURVE. `what` is "" or
    "-batches": the frames that a backlog makes."""
    endpoint, file = f"tcp://127.0.0.1:{free_port()}", folder / "floor"
    file.unlink(missing_ok=True)
    module = [sys.executable, "-m", "benchmarks.actors"]
    environment = {**os.environ, **({"ACTORKIT_KEYS": str(keys)} if keys is not None else {})}
    pull = subprocess.Popen([*module, f"pull{what}", endpoint, str(count), str(file)], env=environment)
    push = subprocess.Popen([*module, f"push{what}", endpoint, str(count), str(size_bytes)], env=environment)
    return result(file, [push, pull])[0]


def cipher(size_bytes: int, folder: Path, keys: Path) -> float:
    """What the cipher itself leaves: the rate of bare PUSH/PULL over CURVE against that in the clear, with messages as
    long as the frames that a backlog of such events makes."""
    frame = min(size_bytes * MAX_BATCH, MAX_BATCH_BYTES)
    count = CIPHER_BYTES // frame
    return floor(frame, count, folder, keys) / floor(frame, count, folder)


def chain(
    size_bytes: int, count: int, folder: Path, between: int = 0, sinks: int = 1, keys: Path | None = None
) -> float:
    """Events per second from a source through `between` actors to a sink, or a copy to each of several, acknowledged
    all the way; with `keys` over CURVE."""
    file = folder / "chain"
    file.unlink(missing_ok=True)
    ends = [f"tcp://127.0.0.1:{free_port()}" for _ in range(sinks)]
    inner = [f"tcp://127.0.0.1:{free_port()}" for _ in range(between)]
    shared = {"ACTORKIT_KEYS": str(keys)} if keys is not None else {}
    nexts = [*(f"{endpoint}#in" for endpoint in inner), " ".join(f"{endpoint}#in" for endpoint in ends)]
    # The last sink to be sent to tells the rate; the others only count.
    files = [*(str(folder / f"other-{number}") for number in range(1, sinks)), str(file)]
    processes = [
        actor(f"sink-{number}", "Sink", {"count": count, "file": name}, ACTORKIT_INBOX=endpoint, **shared)
        for number, (endpoint, name) in enumerate(zip(ends, files, strict=True))
    ]
    for number, endpoint in enumerate(inner):
        variables = {"ACTORKIT_INBOX": endpoint, "ACTORKIT_OUTBOX_NEXT": nexts[number + 1], **shared}
        processes.append(actor(f"pass-{number}", "Pass", {}, **variables))
    params = {"count": count, "size_bytes": size_bytes}
    processes.append(actor("source", "Source", params, ACTORKIT_OUTBOX_NEXT=nexts[0], **shared))
    return result(file, processes)[0]


def measure(runs: int) -> report.Rows:
    """One row for each size and shape: medians of the ratios to the floor of the same round."""
    rows: report.Rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = folder / "keys"
        keys.write_bytes(msgspec.json.encode(topology_keys.generate()))
        everywhere: Shapes = {
            PLAIN: lambda size, count: chain(size, count, folder),
            "source -> pass -> sink": lambda size, count: chain(size, count // 2, folder, between=1),
            CURVE: lambda size, count: chain(size, count // 2, folder, keys=keys),
            "frames alone": lambda size, count: floor(size, 2 * count, folder, what="-batches"),
        }
        small: Shapes = {
            "five actors in a row": lambda size, count: chain(size, count // 4, folder, between=3),
            "source -> 8 sinks": lambda size, count: chain(size, count // 8, folder, sinks=8),
        }
        for size, count in SIZES.items():
            shapes = {**everywhere, **(small if size == min(SIZES) else {})}
            figures: dict[str, list[float]] = {shape: [] for shape in shapes}
            floors = []
            for _ in range(runs):
                floors.append(floor(size, count, folder))
                for shape, run in shapes.items():
                    figures[shape].append(run(size, count))
            rows += [row(shape, size, floors, rates) for shape, rates in figures.items()]
            rows.append(
                curve_row(size, figures[PLAIN], figures[CURVE], [cipher(size, folder, keys) for _ in range(runs)])
            )
    return rows


def curve_row(size_bytes: int, plain: list[float], curve: list[float], ciphers: list[float]) -> dict[str, Any]:
    """How much of its rate an edge keeps over CURVE, and how much the cipher leaves of bare frames."""
    ratios = [over / clear for over, clear in zip(curve, plain, strict=True)]
    made = {
        "shape": "CURVE / in the clear",
        "body_bytes": size_bytes,
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "cipher_alone": round(statistics.median(ciphers), 2),
    }
    print(
        f"{made['shape']:24} {size_bytes:6} B  {made['ratio']:.2f}x  the cipher alone: {made['cipher_alone']:.2f}x  "
        f"{made['ratios']}",
        flush=True,
    )
    return made


def row(shape: str, size_bytes: int, floors: list[float], rates: list[float]) -> dict[str, Any]:
    """One row of the table, which is also printed."""
    ratios = [rate / base for rate, base in zip(rates, floors, strict=True)]
    made = {
        "shape": shape,
        "body_bytes": size_bytes,
        "floor_per_s": round(statistics.median(floors)),
        "events_per_s": round(statistics.median(rates)),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(
        f"{shape:24} {size_bytes:6} B  floor {made['floor_per_s']:9,}/s  {made['events_per_s']:9,}/s  "
        f"{made['ratio']:.2f}x  {made['ratios']}",
        flush=True,
    )
    return made


if __name__ == "__main__":
    report.run(__doc__, measure)
