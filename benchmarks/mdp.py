"""The broker against a bare `zmq.proxy` and, where a checkout of the ZeroMQ guide's repository is given, against the
guide's two brokers: same load, interleaved.

    python -m benchmarks.mdp [--runs 5] [--seconds 3] [--idle 3000] [--guide FOLDER] [--other "NAME=COMMAND {port}"]…
                             [--python-load] [--json FILE]

Figures: requests/s with 16 workers and 200 requests under way; the CPU time of the broker's process for one of them
(user and system, all threads), which a busy machine disturbs less than a rate; requests/s and p50 of one client and one
worker; the first two with idle workers of other services beside. Then the ratios: medians of those within a round.

The load is benchmarks/mdp_load.c where it can be built (a C compiler, libzmq's headers), else a Python program, which
on few cores costs more than the broker and so hides part of it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port
from tests.until import until

from benchmarks import guide, report
from benchmarks.process import cpu_s

OUR_BROKER = (
    "from actorkit.mdp.broker import Broker; from actorkit.mdp.broker.tuning import tune_process; tune_process(); "
    "Broker('tcp://127.0.0.1:{port}', Broker.Params(queue_limit=1000000)).run()"
)
PROXY = (
    "import zmq; c = zmq.Context(); f, b = c.socket(zmq.ROUTER), c.socket(zmq.DEALER); "
    "f.bind('tcp://127.0.0.1:{port}'); b.bind('tcp://127.0.0.1:{back}'); zmq.proxy(f, b)"
)
OURS, FLOOR = "actorkit", "zmq.proxy"
#: Of the pipelined load.
WORKERS, WINDOW = 16, 200
#: The figures of one run, by name.
Figures = dict[str, float]
PIPELINED, CPU, SEQUENTIAL, P50, P99 = "pipelined/s", "cpu µs", "sequential/s", "p50 µs", "p99 µs"
COLUMNS = (PIPELINED, CPU, SEQUENTIAL, P50, P99)


@dataclass(frozen=True)
class Contender:
    """A broker to be measured: its command, with `{port}` and perhaps `{back}`, where its workers connect then; and how
    many idle workers are beside."""

    command: Sequence[str]
    idle: int = 0

    @property
    def is_proxy(self) -> bool:
        return any("{back}" in part for part in self.command)


class Load:
    """What the brokers are given to do, by processes of their own."""

    def __init__(self, folder: Path, *, native: bool) -> None:
        self.native = build(folder) if native else None

    def __repr__(self) -> str:
        return f"<Load in {'C' if self.native else 'Python'}>"

    def pipelined(self, broker: subprocess.Popen[bytes], front: str, back: str, seconds: float) -> Figures:
        """Measure many requests under way; `back` is where workers connect, which is `front` for a broker of MDP."""
        mirror = ["mirror"] if front != back else []
        if self.native:
            command = [str(self.native), front, back, str(seconds), str(WORKERS), str(WINDOW), *mirror]
            return self._measured(broker, command)
        with running(python_load("mirrors" if mirror else "workers", back, WORKERS)):
            return self._measured(broker, python_load("pipelined", front, seconds, WINDOW))

    def _measured(self, broker: subprocess.Popen[bytes], command: list[str]) -> Figures:
        before = cpu_s(broker.pid)
        out = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        rate, requests = map(float, out.stdout.split())
        return {PIPELINED: rate, CPU: (cpu_s(broker.pid) - before) / requests * 1e6}

    def sequential(self, front: str, back: str, seconds: float) -> Figures:
        """Measure one client and one worker."""
        with running(python_load("workers" if front == back else "mirrors", back, 1)):
            command = python_load("sequential", front, seconds)
            out = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        return dict(zip((SEQUENTIAL, P50, P99), map(float, out.stdout.split()), strict=True))


def build(folder: Path) -> Path | None:
    """Build the load in C; None where there is no compiler or no libzmq to build it with."""
    source, built = Path(__file__).with_name("mdp_load.c"), folder / "mdp_load"
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    done = subprocess.run(
        [compiler, "-O2", "-o", built, source, "-lzmq", "-lpthread"], stderr=subprocess.DEVNULL, check=False
    )
    return built if done.returncode == 0 else None


def python_load(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.mdp_load", *map(str, arguments)]


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process, and end it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(port: int, host: str = "127.0.0.1") -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((host, port)) == 0

    until(listens, f"a broker listens at port {port}", pause_s=0.02)


def once(contender: Contender, load: Load, seconds: float) -> Figures:
    """Measure one broker, each load with a fresh process of it."""
    port, back = free_port(), free_port()
    command = [part.format(port=port, back=back) for part in contender.command]
    front = f"tcp://127.0.0.1:{port}"
    behind = f"tcp://127.0.0.1:{back}" if contender.is_proxy else front
    with running(command) as broker:
        wait_for(port)
        if contender.idle:
            with running(python_load("idle", front, contender.idle)) as crowd:
                if crowd.stdout is not None:
                    crowd.stdout.readline()
                time.sleep(1)
                return load.pipelined(broker, front, behind, seconds)
        figures = load.pipelined(broker, front, behind, seconds)
    with running(command):
        wait_for(port)
        return figures | load.sequential(front, behind, seconds)


def measure(
    runs: int,
    seconds: float = 3.0,
    idle: int = 3000,
    others: Mapping[str, Sequence[str]] | None = None,
    *,
    native: bool = True,
) -> report.Rows:
    """One row for each broker with its figures of all rounds, then one for each comparison with its ratios."""
    brokers = {OURS: [sys.executable, "-c", OUR_BROKER], **(others or {})}
    contenders = {FLOOR: Contender([sys.executable, "-c", PROXY])}
    contenders |= {name: Contender(command) for name, command in brokers.items()}
    if idle:
        contenders |= {beside(name, idle): Contender(command, idle) for name, command in brokers.items()}
    figures: dict[str, list[Figures]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as name:
        load = Load(Path(name), native=native)
        for _ in range(runs):
            for name, contender in contenders.items():
                figures[name].append(once(contender, load, seconds))
    show(figures, load)
    ratios = list(compare(figures, idle))
    return [*({"broker": name, "load": repr(load), "runs": rounds} for name, rounds in figures.items()), *ratios]


def beside(name: str, idle: int) -> str:
    return f"{name}, {idle} idle"


def show(figures: dict[str, list[Figures]], load: Load) -> None:
    """Print the medians."""
    print(f"{load!r:28}" + "".join(f"{column:>14}" for column in COLUMNS))
    for name, rounds in figures.items():
        medians = [statistics.median(run[key] for run in rounds) if key in rounds[0] else None for key in COLUMNS]
        print(f"{name:28}" + "".join(f"{'' if value is None else f'{value:,.1f}':>14}" for value in medians))


def compare(figures: dict[str, list[Figures]], idle: int) -> Iterator[dict[str, object]]:
    """Print and yield the ratios of our broker to each other one, and to itself without idle workers."""
    crowded = beside(OURS, idle)
    pairs = [(OURS, name) for name in figures if not name.startswith(OURS) and not name.endswith(" idle")]
    if idle:
        pairs.append((crowded, OURS))
        pairs += [(crowded, name) for name in figures if name.endswith(" idle") and name != crowded]
    for name, base in pairs:
        row: dict[str, object] = {"broker": name, "against": base}
        for key in (PIPELINED, CPU, P50):
            if key in figures[name][0] and key in figures[base][0]:
                ratios = [one[key] / other[key] for one, other in zip(figures[name], figures[base], strict=True)]
                row[key] = round(statistics.median(ratios), 3)
        print(f"{name} / {base}: " + ", ".join(f"{key} {row[key]:.2f}x" for key in (PIPELINED, CPU, P50) if key in row))
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--idle", type=int, default=3000, help="idle workers of other services; 0: leave the rows out")
    parser.add_argument("--guide", type=Path, metavar="FOLDER", help="a checkout of the ZeroMQ guide's repository")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=COMMAND", help="{port} is put in")
    parser.add_argument("--python-load", action="store_true", help="also where the one in C could be built")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    given = parser.parse_args()
    others = {name: shlex.split(command) for name, command in (entry.split("=", 1) for entry in given.other)}
    with tempfile.TemporaryDirectory() as folder:
        if given.guide:
            others |= guide.brokers(given.guide, Path(folder))
        rows = measure(given.runs, given.seconds, given.idle, others, native=not given.python_load)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
