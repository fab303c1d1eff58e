"""The logs of a deployment on a Docker Engine, by `docker compose logs`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from actorkit_kit.deploy.engine import compose
from actorkit_kit.deploy.log_lines import LogLine, read_lines
from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line


def read_logs(topology: str, actors: Sequence[str], tail: int, *, follow: bool) -> Iterator[LogLine]:
    """The last lines of each container in the order of time, and then what comes, to ^C.

    Raises:
        KitError: compose failed.
    """
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    before = sorted(_run(topology, [f"--tail={tail}", *actors]))
    yield from before
    if follow:
        # What came meanwhile is asked for again, so that no line falls between the two.
        seen = set(before)
        for line in _run(topology, ["--follow", f"--since={before[-1].time if before else since}", *actors]):
            if line not in seen:
                yield line


def _run(topology: str, arguments: Sequence[str]) -> Iterator[LogLine]:
    """Run compose to its end, or to ^C.

    Raises:
        KitError: it failed.
    """
    pipe = subprocess.PIPE
    options = ["logs", "--timestamps", "--no-color", *arguments]
    process = compose(options, project=topology, stdout=pipe, stderr=subprocess.STDOUT)
    said: list[str] = []
    try:
        for written in process.stdout or ():
            found = False
            for line in read_lines([written]):
                found = True
                yield line
            if not found:
                said.append(written)
        if process.wait():
            raise KitError(f"docker compose logs failed: {last_line(said)}")
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
