"""Real processes for tests, actors above all: started, scraped, killed, and never left behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from signal import SIGCONT, SIGTERM, Signals
from typing import Final

from tests.places import ROOT
from tests.until import until

PYTHONPATH = os.pathsep.join(str(ROOT / name) for name in ("runtime", "actors", "kit", "."))


def fetch(url: str, timeout_s: float = 5.0) -> tuple[int, str]:
    """GET: (status, body); status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()
    except OSError:
        return 0, ""


#: The command of an actor's process.
ACTOR: Final = (sys.executable, "-m", "actorkit")


class Process:
    """A process of a test: an actor, or what else `command` runs. All that it writes is in the file `log`, or what it
    writes to standard output in `out` where that is given. `stdin` is the descriptor of its standard input."""

    def __init__(
        self,
        variables: Mapping[str, str],
        log: Path,
        *,
        command: Sequence[str] = ACTOR,
        out: Path | None = None,
        stdin: int | None = None,
    ) -> None:
        self.variables = dict(variables)
        self.log = log
        self._out = out
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, "PYTHONUNBUFFERED": "1", **variables}
        with ExitStack() as stack:
            errors = stack.enter_context(log.open("ab"))
            stdout = stack.enter_context(out.open("ab")) if out is not None else errors
            self.popen = subprocess.Popen(command, env=environment, stdin=stdin, stdout=stdout, stderr=errors)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text()

    def lines(self, count: int, timeout_s: float = 30.0) -> list[str]:
        """The first lines of its standard output, once it has written so many."""

        def written() -> list[str]:
            alive = self.alive
            whole = [line for line in (self._out or self.log).read_text().splitlines(True) if line.endswith("\n")]
            assert alive or len(whole) >= count, f"it ended with {self.popen.returncode}: {self.said()}"
            return whole[:count] if len(whole) >= count else []

        return until(written, f"it writes {count} lines", timeout_s, pause_s=0.02)

    @property
    def admin(self) -> str:
        """The admin server's URL; its port is found in the log."""
        found = re.findall(r"admin server at (http://[0-9.]+:[0-9]+)", self.said())
        return found[-1] if found else ""

    def ready(self) -> bool:
        assert self.alive, f"it ended with {self.popen.returncode}: {self.said()}"
        return bool(self.admin) and fetch(f"{self.admin}/readyz")[0] == 200

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        until(lambda: self.admin, "the admin server is there")
        total = 0.0
        for line in fetch(f"{self.admin}/metrics")[1].splitlines():
            if re.match(rf"{name}[{{ ]", line) and all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rpartition(" ")[2])
        return total

    def signal(self, number: Signals) -> None:
        self.popen.send_signal(number)

    def wait(self, timeout_s: float = 30.0) -> int:
        """Its exit status, once it has ended; greenlets go on meanwhile."""
        until(lambda: not self.alive, "the process ends", timeout_s)
        return int(self.popen.returncode)

    def stop(self, number: Signals = SIGTERM, timeout_s: float = 30.0) -> int:
        """Tell it to end; returns the exit status."""
        self.signal(number)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End it at once; comes back when it is gone, without a turn of gevent's loop."""
        self.popen.kill()
        self.popen.wait(10)

    def close(self) -> None:
        """End it if it still runs, whatever state it is in."""
        if self.alive:
            self.signal(SIGCONT)
            self.kill()


class Fleet:
    """All processes of one test; `close` ends what is still there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    def start(self, actor: str, cls: str, number: int = 1, **variables: str) -> Process:
        """Start an instance. Inboxes are socket files in the fleet's folder, `outbox_x="down"` leads to those of
        `down`; other names are variables without their prefix, but for those in capital letters, which are whole."""
        made = {
            "ACTORKIT_TOPOLOGY": "test",
            "ACTORKIT_ACTOR": actor,
            "ACTORKIT_CLASS": cls,
            "ACTORKIT_ADMIN": "127.0.0.1:0",
            "ACTORKIT_INBOX": f"ipc://{self.folder}/{actor}-{number}.sock",
        }
        for name, value in variables.items():
            if name.startswith("outbox_"):
                value = f"ipc://{self.folder}/{value}-*.sock#{actor}"
            made[name if name.isupper() else f"ACTORKIT_{name.upper()}"] = value
        process = Process(made, self.folder / f"{actor}-{number}.log")
        self.processes.append(process)
        return process

    def restart(self, process: Process) -> Process:
        """The same instance again, after its end."""
        again = Process(process.variables, process.log.with_suffix(f".{len(self.processes)}.log"))
        self.processes.append(again)
        return again

    def close(self) -> None:
        for process in self.processes:
            process.close()
