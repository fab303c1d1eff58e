"""The broker against a bare `zmq.proxy` and, by option, against any other 7/MDP broker: same load, interleaved.

    python -m benchmarks.mdp [--runs 5] [--seconds 3] [--idle 3000] [--other "NAME=COMMAND {port}"]… [--json FILE]
                             [--load "COMMAND {endpoint} {seconds} {workers} {window}"]

Rows: requests/s with 16 workers and many requests under way, requests/s and p50 of one client and one worker, and the
first with idle workers of other services beside. `cpu` is the broker process's own time (user and system, all threads)
for one request, which a busy machine disturbs less than a rate. The floor is one hop: clients through `zmq.proxy` to
workers that know nothing of MDP.

The load is a Python program, which on few cores costs more than the broker and so hides part of it. `--load` names
another, in C say: it brings its own workers (service `echo`), prints requests/s, and is used for every broker.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OUR_BROKER = (
    "from actorkit.mdp.broker import Broker, lean; lean(); "
    "Broker('tcp://127.0.0.1:{port}', Broker.Params(queue_limit=1000000)).run()"
)
#: Front and back port of the proxy are `port` and `port + 1`.
PROXY = (
    "import zmq; c = zmq.Context(); f, b = c.socket(zmq.ROUTER), c.socket(zmq.DEALER); "
    "f.bind('tcp://127.0.0.1:{port}'); b.bind('tcp://127.0.0.1:{back}'); zmq.proxy(f, b)"
)
#: A worker behind the proxy: sends back what it gets.
MIRROR = (
    "import zmq; from zmq.backend import Socket\n"
    "c = zmq.Context(); s = Socket(c, zmq.DEALER); s.connect('tcp://127.0.0.1:{back}')\n"
    "recv, send, more = s.recv, s.send, int(zmq.SNDMORE)\n"
    "while True:\n"
    "    a = recv(); b = recv(); x = recv(); y = recv(); z = recv()\n"
    "    send(a, more); send(b, more); send(x, more); send(y, more); send(z)\n"
)
WORKERS = 16
WINDOW = 200


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def load(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.mdp_load", *map(str, arguments)]


@contextmanager
def running(*commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes, and end them."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes += [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens at port {port}")
        time.sleep(0.02)


def cpu_s(pid: int) -> float:
    """User and system time of a process, all threads, in seconds (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    command: list[str], port: int, seconds: float, idle: int, proxy_back: int = 0, native: str = ""
) -> dict[str, float]:
    endpoint = f"tcp://127.0.0.1:{port}"
    mirror = [python(MIRROR.format(back=proxy_back))] if proxy_back else []
    row: dict[str, float] = {}
    with running(command) as (broker,):
        wait_for(port)
        if idle:
            with running(load("idle", endpoint, idle)) as (crowd,):
                if crowd.stdout is not None:
                    crowd.stdout.readline()
                time.sleep(1)
                pipelined(broker, endpoint, seconds, mirror, row, native)
            return row
        pipelined(broker, endpoint, seconds, mirror, row, native)
    with running(command) as (broker,):
        wait_for(port)
        with running(*(mirror or [load("workers", endpoint, 1)])):
            out = subprocess.run(load("sequential", endpoint, seconds), capture_output=True, check=True, text=True)
        row["sequential/s"], row["p50 µs"], row["p99 µs"] = map(float, out.stdout.split())
    return row


def pipelined(
    broker: subprocess.Popen[bytes],
    endpoint: str,
    seconds: float,
    mirror: list[list[str]],
    row: dict[str, float],
    native: str,
) -> None:
    alone = bool(native) and not mirror
    with running(*(mirror or ([] if alone else [load("workers", endpoint, WORKERS)]))):
        before = cpu_s(broker.pid)
        command = load("pipelined", endpoint, seconds, WINDOW)
        if alone:
            line = native.format(endpoint=endpoint, seconds=seconds, workers=WORKERS, window=WINDOW)
            command = shlex.split(line)
        out = subprocess.run(command, capture_output=True, check=True, text=True)
        rate = float(out.stdout)
        row["pipelined/s"] = rate
        row["cpu µs"] = (cpu_s(broker.pid) - before) / (rate * seconds) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--idle", type=int, default=3000, help="idle workers of other services; 0: leave the row out")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=COMMAND", help="{port} is put in")
    parser.add_argument("--load", default="", metavar="COMMAND", help="a load in place of the Python one")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    others = dict(entry.split("=", 1) for entry in options.other)
    rows: dict[str, list[dict[str, float]]] = {}
    for _ in range(options.runs):
        port, back = free_port(), free_port()
        run = {"zmq.proxy": (python(PROXY.format(port=port, back=back)), port, 0, back)}
        for name, command in {"actorkit": "", **others}.items():
            for idle in (0, options.idle) if options.idle else (0,):
                port = free_port()
                line = shlex.split(command.format(port=port)) if command else python(OUR_BROKER.format(port=port))
                run[f"{name}, {idle} idle" if idle else name] = (line, port, idle, 0)
        for name, (line, port, idle, proxy_back) in run.items():
            rows.setdefault(name, []).append(measure(line, port, options.seconds, idle, proxy_back, options.load))
    show(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def show(rows: dict[str, list[dict[str, float]]]) -> None:
    columns = ("pipelined/s", "cpu µs", "sequential/s", "p50 µs", "p99 µs")
    print(f"{'':28}" + "".join(f"{column:>16}" for column in columns))
    for name, runs in rows.items():
        medians = [statistics.median(run[column] for run in runs) if column in runs[0] else None for column in columns]
        print(f"{name:28}" + "".join(f"{'' if value is None else f'{value:,.1f}':>16}" for value in medians))


if __name__ == "__main__":
    main()
