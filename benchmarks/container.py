"""What a container costs the broker: CPU time for a request as it is deployed, with less around it, and outside.

    python -m benchmarks.container actorkit/runtime:TAG [--runs 5] [--seconds 2] [--option=--cpuset-cpus=1]…

The load is that of benchmarks/mdp.py: 16 workers, 200 requests under way, in C. The last rows run the files of the
image without a container (`chroot`; root only), and the interpreter that runs this. On a machine that does something
else as well, read the column `lowest`: what disturbs only adds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.ports import free_port

from benchmarks.mdp import WINDOW, WORKERS, build, running, wait_for

CODE = (
    "from actorkit.mdp.broker import Broker; from actorkit.mdp.broker.tuning import tune_process; tune_process(); "
    "Broker('tcp://0.0.0.0:{port}', Broker.Params(queue_limit=1000000, clear=True)).run()"
)
#: As `kit` has it in compose.yaml.
HARDENED = ("--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--read-only")
NO_SECCOMP, HOST_NETWORK = "--security-opt=seccomp=unconfined", "--network=host"
CONTAINERS = {
    "image, as deployed": (),
    "image, seccomp off": (NO_SECCOMP,),
    "image, host network": (HOST_NETWORK,),
    "image, both": (NO_SECCOMP, HOST_NETWORK),
}
#: Starts a broker at a port; gives its process id and the host that it is reached at.
Way = Callable[[int], "Iterator[tuple[int, str]]"]


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def in_container(image: str, options: Sequence[str], port: int) -> Iterator[tuple[int, str]]:
    code = CODE.format(port=port)
    name = docker("run", "--detach", "--rm", *HARDENED, *options, "--entrypoint=python", image, "-c", code)
    try:
        told = json.loads(docker("inspect", name))[0]
        host = "127.0.0.1" if HOST_NETWORK in options else told["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        yield told["State"]["Pid"], host
    finally:
        docker("kill", name)


def as_process(command: Sequence[str], port: int) -> Iterator[tuple[int, str]]:
    with running([*command, "-c", CODE.format(port=port)]) as process:
        yield process.pid, "127.0.0.1"


@contextmanager
def files_of(image: str) -> Iterator[list[str]]:
    """The command that runs Python in the files of an image, without a container."""
    variables = json.loads(docker("inspect", "--format", "{{json .Config.Env}}", image))
    with tempfile.TemporaryDirectory() as folder:
        made = docker("create", image)
        try:
            exported = subprocess.Popen(["docker", "export", made], stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", folder], stdin=exported.stdout, check=True)
            exported.wait()
        finally:
            docker("rm", made)
        yield ["chroot", folder, "/usr/bin/env", "--ignore-environment", *variables, "python"]


def cpu_ns(pid: int) -> int:
    """CPU time that the threads of a process have used so far, in nanoseconds."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def once(load: Path, way: Way, seconds: float) -> tuple[float, float]:
    """CPU time for a request in µs, and requests/s."""
    port = free_port()
    with contextmanager(way)(port) as (pid, host):
        wait_for(port, host)
        before, endpoint = cpu_ns(pid), f"tcp://{host}:{port}"
        command = [str(load), endpoint, endpoint, str(seconds), str(WORKERS), str(WINDOW)]
        rate, requests = map(float, subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split())
        return (cpu_ns(pid) - before) / requests / 1000, rate


def measure(image: str, runs: int, seconds: float, options: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Name of each way → its figures, interleaved."""
    ways: dict[str, Way] = {name: partial(in_container, image, (*options, *more)) for name, more in CONTAINERS.items()}
    with tempfile.TemporaryDirectory() as folder, files_of(image) as command:
        load = build(Path(folder))
        if load is None:
            raise SystemExit("needs a C compiler and libzmq's headers")
        if os.geteuid() == 0 and shutil.which("chroot"):
            ways["files of the image"] = partial(as_process, command)
        ways[f"outside, Python {sys.version.split()[0]}"] = partial(as_process, [sys.executable])
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(runs):
            for name, way in ways.items():
                figures[name].append(once(load, way, seconds))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--option", action="append", default=[], help="of docker run; may be repeated")
    given = parser.parse_args()
    print(f"{'':28}{'cpu µs':>10}{'lowest':>10}{'requests/s':>12}")
    for name, rows in measure(given.image, given.runs, given.seconds, given.option).items():
        costs, rates = zip(*rows, strict=True)
        print(f"{name:28}{statistics.median(costs):10.1f}{min(costs):10.1f}{statistics.median(rates):12,.0f}")


if __name__ == "__main__":
    main()
