"""A release under load on a real cluster, and what its clients see of each fault. Prints a table of Markdown.

The load: 40 orders a second over connections that stay, and 50 numbers a second from one table to another of a
PostgreSQL on this machine. Needs a cluster, helm and kubectl, a Docker Engine, and CLUSTER_LOAD, the command that
loads an image into the cluster. Services and this machine must reach each other, as on a node.

python -m benchmarks.outages [--seconds 60] [--only delete_pods] [--kubelet FILE] [--node ADDRESS] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.actors.sql import postgres
from tests.fleet import Process

from benchmarks.outages.faults import FAULTS, Cluster
from benchmarks.outages.release import Release, make
from benchmarks.outages.stream import Stream

#: Orders a second.
RATE: Final = 40
#: Seconds of load before and after each fault.
MARGIN_S: Final = 3
NAMESPACE: Final = "actorkit-outages"
PORT: Final = 8080


@contextmanager
def load(release: Release) -> Iterator[dict[str, Any]]:
    """Orders meanwhile; what became of them stands in the dictionary afterwards."""
    told: dict[str, Any] = {}
    command = [sys.executable, "-m", "benchmarks.outages.client", release.address(), str(PORT), str(RATE)]
    with tempfile.TemporaryDirectory() as folder, Process(os.environ, Path(folder) / "log", command=command) as client:
        client.lines(1, 60)
        yield told
        client.signal(signal.SIGTERM)
        told.update(json.loads(client.lines(2, 120)[1]))


def measure(cluster: Cluster, fault: Callable[[Cluster], None]) -> dict[str, Any]:
    """What clients see of a fault, until the release is whole again."""
    with load(cluster.release) as told:
        time.sleep(MARGIN_S)
        begun = time.monotonic()
        fault(cluster)
        cluster.release.wait()
        lasted_s = time.monotonic() - begun
        time.sleep(MARGIN_S)
    told["failed"] = sum(told["failures"].values())
    for failure, count in told["failures"].items():
        print(f"{fault.__name__}: {count} × {failure}", file=sys.stderr, flush=True)
    cells = [FAULTS[fault], f"{lasted_s:.0f} s", told["sent"], told["failed"], told["resets"], told["refused"]]
    print(f"| {' | '.join(map(str, cells))} | {told['longest_s']:.1f} s |", flush=True)
    return {"fault": FAULTS[fault], "lasted_s": lasted_s, **told}


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long a fault lasts that has no end of its own")
    parser.add_argument("--only", choices=[fault.__name__ for fault in FAULTS], action="append", help="one fault")
    parser.add_argument("--kubelet", type=Path, help="file with the number of the kubelet's process, on this machine")
    parser.add_argument("--node", default="172.31.255.1", help="address at which pods reach this machine")
    parser.add_argument("--seed", type=int, default=1, help="for the dice")
    parser.add_argument("--json", type=Path, help="where the figures are written as well")
    return parser.parse_args()


def main() -> None:
    """Deploy, disturb, tell."""
    given = arguments()
    wanted = [fault for fault in FAULTS if not given.only or fault.__name__ in given.only]
    with postgres.running(address=given.node) as server, tempfile.TemporaryDirectory() as folder:
        release = make(Path(folder), NAMESPACE, f"{given.node}:{server.port}")
        try:
            stream = Stream(server)
            release.deploy()
            cluster = Cluster(release, given.seconds, random.Random(given.seed), given.kubelet)
            print("| fault | until whole | orders | failed | resets | refused | longest wait |")
            print("| --- | --- | --- | --- | --- | --- | --- |")
            rows = [measure(cluster, fault) for fault in wanted]
            verdict = stream.end()
        finally:
            release.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=180s")
    print(f"\nNumbers: {verdict.sent} sent, {verdict.lost} lost, {verdict.twice} twice.")
    if given.json:
        given.json.write_text(json.dumps({"faults": rows, "numbers": vars(verdict)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
