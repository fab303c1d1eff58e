"""The logs of a release, by `kubectl logs`: of the pods that are there, and of those that come meanwhile."""

from __future__ import annotations

import queue
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Final

from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.log_lines import LogLine, pad_time
from actorkit_kit.deploy.pods import ACTOR_LABEL, CONTAINER, RELEASE_LABEL, TOPOLOGY_LABEL
from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line

#: Seconds between two looks for new pods.
_LOOK_S: Final = 2.0
#: [pod/orders-execute-7d9f8-abcde/actor] 2026-11-28T20:51:28.123456789Z {"time": …}
_LINE: Final = re.compile(rf"\[pod/([^/]+)/{CONTAINER}\] (\d{{4}}-\S+Z) ?(.*)")
_OPTIONS: Final = (f"--container={CONTAINER}", "--prefix", "--timestamps", "--max-log-requests=1000")


def read_logs(cluster: Cluster, release: str, actors: Sequence[str], tail: int, *, follow: bool) -> Iterator[LogLine]:
    """The last lines of each pod in the order of time, and then what comes, to ^C.

    Raises:
        KitError: kubectl failed.
    """
    selector = f"--selector={RELEASE_LABEL}={release},{TOPOLOGY_LABEL}"
    selector += f",{ACTOR_LABEL} in ({','.join(actors)})" if actors else ""
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    done = cluster.ask("logs", selector, f"--tail={tail}", "--ignore-errors", *_OPTIONS)
    if done.returncode:
        raise KitError(f"kubectl logs failed: {last_line(done.stderr)}")
    before = sorted(read_lines(done.stdout.splitlines()))
    yield from before
    if follow:
        seen = set(before)
        with closing(_Followed(cluster, selector)) as followed:
            for line in followed.lines(before[-1].time if before else since):
                if line not in seen:
                    yield line


def read_lines(written: Iterable[str]) -> Iterator[LogLine]:
    """The lines that kubectl writes; one that it says itself is left out."""
    for line in written:
        found = _LINE.fullmatch(line.rstrip("\r\n"))
        if found is not None:
            yield LogLine(pad_time(found[2]), found[1], found[3])


class _Followed:
    """The lines of pods as they come: one kubectl for those that are there, and one for each life of a container that
    begins later."""

    def __init__(self, cluster: Cluster, selector: str) -> None:
        self._cluster = cluster
        self._selector = selector
        self._lines: queue.SimpleQueue[LogLine] = queue.SimpleQueue()
        self._processes: list[subprocess.Popen[str]] = []

    def lines(self, since: str) -> Iterator[LogLine]:
        """What comes; those since that time at first."""
        known = self._lives()
        if known:
            self._start(self._selector, "--ignore-errors", f"--since-time={since}")
        looked = time.monotonic()
        while True:
            with suppress(queue.Empty):
                yield self._lines.get(timeout=_LOOK_S)
            if time.monotonic() - looked >= _LOOK_S:
                lives = self._lives()
                for pod, _restarts in sorted(lives - known):
                    self._start(f"pod/{pod}", "--tail=-1")
                known |= lives
                looked = time.monotonic()

    def _lives(self) -> set[tuple[str, int]]:
        """The containers that have begun, by their pods and how often they were started again."""
        found = set()
        for pod in self._cluster.get("pods", self._selector):
            for container in pod.get("status", {}).get("containerStatuses", ()):
                if container["name"] == CONTAINER and "waiting" not in container.get("state", {}):
                    found.add((pod["metadata"]["name"], int(container.get("restartCount", 0))))
        return found

    def _start(self, *which: str) -> None:
        command = self._cluster.kubectl("logs", "--follow", *which, *_OPTIONS)
        pipe, none = subprocess.PIPE, subprocess.DEVNULL
        process = subprocess.Popen(command, text=True, errors="replace", stdin=none, stdout=pipe, stderr=none)
        self._processes.append(process)
        threading.Thread(target=self._read, args=(process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in read_lines(process.stdout or ()):
            self._lines.put(line)

    def close(self) -> None:
        """End what still follows."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()
