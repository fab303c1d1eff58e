"""Memory of the two ends of an edge whose window is full: nothing that was sent is finished.

    python -m benchmarks.window [--runs 5] [--json FILE]

The floor is the memory of the same two processes when nothing has been sent.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.ports import free_port
from tests.until import until

from benchmarks import report
from benchmarks.edge import LIMIT_S, actor
from benchmarks.process import memory_mb

#: Body sizes in bytes.
SIZES = (100, 1024, 10_240)
#: The window is full when nothing has come for so long, in seconds.
QUIET_S = 1.0


def full(size_bytes: int, folder: Path) -> tuple[int, float, float]:
    """Events held, and memory in MB of the one that holds them and of the source that waits for them."""
    endpoint, file = f"tcp://127.0.0.1:{free_port()}", folder / "held"
    file.unlink(missing_ok=True)
    holder = actor("holder", "Holder", {"file": str(file)}, ACTORKIT_INBOX=endpoint)
    params = {"count": 10**9, "size_bytes": size_bytes}
    source = actor("source", "Source", params, ACTORKIT_OUTBOX_NEXT=f"{endpoint}#in", ACTORKIT_DRAIN_TIMEOUT_S="0.1")
    held, since = -1, time.monotonic()

    def quiet() -> bool:
        nonlocal held, since
        now = int(file.read_text() or 0) if file.exists() else 0
        if now != held:
            held, since = now, time.monotonic()
        return held > 0 and time.monotonic() - since >= QUIET_S

    try:
        until(quiet, "the window is full", LIMIT_S, pause_s=0.05)
        return held, memory_mb(holder.pid), memory_mb(source.pid)
    finally:
        for process in (source, holder):
            process.kill()
            process.wait(30)


def empty() -> float:
    """Memory in MB of an actor that has nothing."""
    process = actor("idle", "Idle", {}, ACTORKIT_INBOX=f"tcp://127.0.0.1:{free_port()}")
    try:
        time.sleep(QUIET_S)
        return memory_mb(process.pid)
    finally:
        process.kill()
        process.wait(30)


def measure(runs: int) -> report.Rows:
    """One row for each size: medians over the runs."""
    rows: report.Rows = []
    with tempfile.TemporaryDirectory() as name:
        for size in SIZES:
            found = [(empty(), full(size, Path(name))) for _ in range(runs)]
            held = round(statistics.median(count for _, (count, _, _) in found))
            row = {
                "shape": "full window",
                "body_bytes": size,
                "events": held,
                "bodies_mb": round(held * size / 2**20, 1),
                "empty_mb": round(statistics.median(base for base, _ in found), 1),
                "holder_mb": round(statistics.median(memory for _, (_, memory, _) in found), 1),
                "source_mb": round(statistics.median(memory for _, (_, _, memory) in found), 1),
            }
            print(
                f"full window {size:6} B  {held:6,} events ({row['bodies_mb']} MB of bodies)  "
                f"holder {row['holder_mb']} MB, source {row['source_mb']} MB; empty {row['empty_mb']} MB",
                flush=True,
            )
            rows.append(row)
    return rows


if __name__ == "__main__":
    report.run(__doc__, measure)
