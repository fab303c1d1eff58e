"""Several senders of long bodies to one actor, whose inbox takes 64 MiB as it does in a container of up to 256 MB.

    python -m benchmarks.senders [--runs 5] [--json FILE]

Each sender sends 10 bodies; consuming one takes 30 ms. The floor is the time that the consumes alone take.
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

import gevent
from tests.ports import free_port
from tests.until import until

from actorkit import Actor, Event
from actorkit.edge.receiver import MAX_BYTES
from actorkit.host.host import Host
from actorkit.settings import Settings
from benchmarks import report
from benchmarks.edge import LIMIT_S, actor
from benchmarks.process import memory_mb

#: Length of one body in bytes: with it a sender has one event under way at a time.
BODY_BYTES = 9 << 20
#: How many bodies each sender sends, and how long each is consumed, in seconds.
COUNT = 10
CONSUME_S = 0.03
#: How many senders there are.
SENDERS = (1, 4, 8, 12)


class Slow(Actor):
    """Takes its time for each event, and counts those that come for the first time and those that come again."""

    def setup(self) -> None:
        self.seen = 0
        self.again = 0

    def consume(self, event: Event) -> None:
        gevent.sleep(CONSUME_S)
        self.seen += 1
        self.again += event.redelivered


def consume(endpoint: str, count: int, file: Path) -> None:
    """The process of the one that consumes: writes what became of `count` events to a file."""
    settings = Settings("sink", "benchmarks.senders:Slow", topology="bench", instance="sink-1", inbox=endpoint)
    host = Host(settings, Slow, inbox_bytes=MAX_BYTES)
    host.start()
    sink: Any = host.actor
    until(lambda: sink.seen > 0, "something comes", LIMIT_S, pause_s=0.001)
    begun, most_mb = gevent.get_hub().loop.now(), 0.0

    def is_over() -> bool:
        nonlocal most_mb
        most_mb = max(most_mb, memory_mb(os.getpid()))
        return bool(sink.seen >= count)

    until(is_over, "all have come", LIMIT_S, pause_s=0.01)
    found = {
        "taken_s": gevent.get_hub().loop.now() - begun,
        "refused": host.receiver.rejected.get("full", 0),
        "again": sink.again,
        "memory_mb": most_mb,
    }
    file.write_text(json.dumps(found))
    host.finish(5.0)


def sent(senders: int, folder: Path) -> dict[str, float]:
    """What became of the events of so many senders."""
    endpoint, file = f"tcp://127.0.0.1:{free_port()}", folder / "found"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.senders", "--sink", endpoint, str(senders * COUNT), str(file)]
    processes = [subprocess.Popen(command)]
    params = {"count": COUNT, "size_bytes": BODY_BYTES}
    for number in range(senders):
        processes.append(actor(f"source-{number}", "Source", params, ACTORKIT_OUTBOX_NEXT=f"{endpoint}#in"))
    try:
        until(lambda: file.exists() and bool(file.read_text()), "all have come", LIMIT_S, pause_s=0.05)
        found: dict[str, float] = json.loads(file.read_text())
        return found
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)


def measure(runs: int) -> report.Rows:
    """One row for each number of senders: medians over the runs."""
    rows: report.Rows = []
    with tempfile.TemporaryDirectory() as name:
        for senders in SENDERS:
            found = [sent(senders, Path(name)) for _ in range(runs)]
            row: dict[str, Any] = {"shape": "long bodies", "senders": senders, "floor_s": senders * COUNT * CONSUME_S}
            for figure in ("taken_s", "refused", "again", "memory_mb"):
                row[figure] = round(statistics.median(one[figure] for one in found), 1)
            print(
                f"{senders:2} senders, {COUNT} bodies of {BODY_BYTES >> 20} MiB each  {row['taken_s']:5.1f} s; "
                f"consumes alone {row['floor_s']:4.1f} s  refused {row['refused']:.0f}, came again {row['again']:.0f}  "
                f"memory at most {row['memory_mb']:.0f} MB",
                flush=True,
            )
            rows.append(row)
    return rows


if __name__ == "__main__":
    if "--sink" in sys.argv[1:2]:
        consume(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        report.run(__doc__, measure)
