"""Many replicas of one actor behind one sender: connections, memory, and what it costs to choose among them.

    python -m benchmarks.replicas [--runs 3] [--most 200] [--json FILE]

The replicas are hosts of their own, with a socket each, several in a process; the sender is one process, as in a
deployment. The floor is the same sender with a single replica, in the same round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import gevent
from gevent.fileobject import FileObject
from tests.ports import free_port
from tests.until import until

from actorkit import Actor, Event
from actorkit.host.host import Host
from actorkit.settings import Settings
from benchmarks import report
from benchmarks.edge import LIMIT_S, actor
from benchmarks.process import cpu_s, memory_mb

#: How many replicas there are, and how many of them are hosts of one process.
REPLICAS = (1, 10, 50, 200)
IN_A_PROCESS = 50
#: Seconds for which the sender is watched.
WATCHED_S = 4.0
#: Events a second where they come one by one, each with a choice of its own.
PACED_PER_S = 500.0
#: What the sender does: its class in `benchmarks.actors`, and its parameters.
LOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "idle": ("Ticker", {"count": 1 << 40, "per_s": 1e-6}),
    "paced": ("Ticker", {"count": 1 << 40, "per_s": PACED_PER_S}),
    "backlog": ("Source", {"count": 1 << 40, "size_bytes": 100}),
}
#: State of an established connection in the kernel's tables.
ESTABLISHED = "01"


class Count(Actor):
    """Counts what it gets."""

    def setup(self) -> None:
        self.seen = 0

    def consume(self, event: Event) -> None:
        self.seen += 1


def host(endpoints: list[str]) -> None:
    """The process of several replicas: for each line that it gets, it writes how many events each has had."""
    hosts = []
    for number, endpoint in enumerate(endpoints):
        name = f"sink-{endpoint.rpartition(':')[2]}-{number}"
        hosts.append(
            Host(Settings("sink", "benchmarks.replicas:Count", topology="bench", instance=name, inbox=endpoint), Count)
        )
        hosts[-1].start()
    for _ in FileObject(sys.stdin.buffer, "rb"):
        counts: list[Any] = [one.actor for one in hosts]
        print(json.dumps([one.seen for one in counts]), flush=True)
        gevent.sleep(0)


class Replicas:
    """Replicas that run."""

    def __init__(self, amount: int, stack: ExitStack) -> None:
        self.endpoints = [f"tcp://127.0.0.1:{free_port()}" for _ in range(amount)]
        self._processes = []
        for first in range(0, amount, IN_A_PROCESS):
            command = [
                sys.executable,
                "-m",
                "benchmarks.replicas",
                "--host",
                *self.endpoints[first : first + IN_A_PROCESS],
            ]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(process.wait, 30)
            stack.callback(process.kill)
            self._processes.append(process)

    def counts(self) -> list[int]:
        """How many events each has had."""
        found: list[int] = []
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            found += json.loads(process.stdout.readline())
        return found


def connections(pid: int) -> int:
    """Established TCP connections of a process."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(link.readlink()))
        except OSError:
            continue  # It was closed meanwhile.
    # ZeroMQ's sockets are of IPv6, also where the address is not.
    tables = (Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = (line.split() for table in tables for line in table.splitlines()[1:])
    return sum(row[3] == ESTABLISHED and f"socket:[{row[9]}]" in inodes for row in rows)


@contextmanager
def sender(load: str, endpoints: list[str]) -> Iterator[int]:
    """A sender that does so, by its process id."""
    cls, params = LOADS[load]
    process = actor("source", cls, params, ACTORKIT_OUTBOX_NEXT=f"{','.join(endpoints)}#in")
    try:
        until(
            lambda: connections(process.pid) == len(endpoints), "the sender is connected with all", LIMIT_S, pause_s=0.1
        )
        yield process.pid
    finally:
        process.kill()
        process.wait(30)


def watched(load: str, replicas: Replicas) -> dict[str, float]:
    """What a sender with this load costs, for some seconds."""
    with sender(load, replicas.endpoints) as pid:
        if load != "idle":
            # Each has had its share of what came first, so that all sessions stand.
            before = replicas.counts()
            until(
                lambda: all(now > then for now, then in zip(replicas.counts(), before, strict=True)),
                "all work",
                LIMIT_S,
            )
        counts, cpu, since = replicas.counts(), cpu_s(pid), time.monotonic()
        time.sleep(WATCHED_S)
        used, taken = cpu_s(pid) - cpu, time.monotonic() - since
        had = [now - then for now, then in zip(replicas.counts(), counts, strict=True)]
        found = {"memory_mb": memory_mb(pid), "cpu_percent": 100 * used / taken, "connections": float(connections(pid))}
        if load != "idle":
            found |= {
                "events_per_s": sum(had) / taken,
                "cpu_us": 1e6 * used / sum(had),
                "least_of_most": min(had) / max(had),
            }
        return found


def measure(runs: int, most: int) -> report.Rows:
    """One row for each load and number of replicas up to `most`: medians, against one replica in the same run."""
    amounts = [amount for amount in REPLICAS if amount <= most]
    figures: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(runs):
        for amount in amounts:
            with ExitStack() as stack:
                replicas = Replicas(amount, stack)
                for load in LOADS:
                    figures.setdefault((load, amount), []).append(watched(load, replicas))
    rows: report.Rows = []
    for load in LOADS:
        for amount in amounts:
            found, floors = figures[load, amount], figures[load, amounts[0]]
            row: dict[str, Any] = {"shape": load, "replicas": amount}
            row |= {name: round(statistics.median(one[name] for one in found), 2) for name in found[0]}
            if "cpu_us" in row:
                ratios = [one["cpu_us"] / floor["cpu_us"] for one, floor in zip(found, floors, strict=True)]
                row["ratio"] = round(statistics.median(ratios), 2)
            rows.append(row)
            print(" ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    return rows


def main() -> None:
    """Measure, and write the rows as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="rounds; medians are shown")
    parser.add_argument("--most", type=int, default=max(REPLICAS), help="the largest number of replicas")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    given = parser.parse_args()
    rows = measure(given.runs, given.most)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    if "--host" in sys.argv[1:2]:
        host(sys.argv[2:])
    else:
        main()
