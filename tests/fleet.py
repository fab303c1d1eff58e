"""Actors as real processes, for tests: started, scraped, killed, and never left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

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


class Process:
    """One `python -m actorkit`; its log is in `log`."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self.variables = variables
        self.log = log
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, "PYTHONUNBUFFERED": "1", **variables}
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "actorkit"], env=environment, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def admin(self) -> str:
        """The admin server's URL; its port is found in the log."""
        found = re.findall(r"admin server at (http://[0-9.]+:[0-9]+)", self.log.read_text())
        return found[-1] if found else ""

    def ready(self) -> bool:
        if self.popen.poll() is not None:
            raise AssertionError(f"it ended with {self.popen.returncode}: {self.log.read_text()}")
        return bool(self.admin) and fetch(f"{self.admin}/readyz")[0] == 200

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        until(lambda: self.admin, "the admin server is there")
        total = 0.0
        for line in fetch(f"{self.admin}/metrics")[1].splitlines():
            if re.match(rf"{name}[{{ ]", line) and all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rpartition(" ")[2])
        return total

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def stop(self, timeout_s: float = 30.0) -> int:
        """SIGTERM; returns the exit status."""
        self.popen.terminate()
        return self.popen.wait(timeout_s)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(10)


class Fleet:
    """All processes of one test; `close` ends what is still there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    def start(self, actor: str, cls: str, number: int = 1, **variables: str) -> Process:
        """Start an instance. Inboxes are socket files in the fleet's folder, `outbox_x="down"` leads to those of
        `down`; other names are variables without their prefix."""
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
            made[f"ACTORKIT_{name.upper()}"] = value
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
            if process.popen.poll() is None:
                process.signal(signal.SIGCONT)
                process.kill()
