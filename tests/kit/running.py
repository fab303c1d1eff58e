"""`kit run` as a real process that goes on, for tests."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from actorkit_kit import python_process

#: Longest wait for its end, in seconds.
DEADLINE_S = 30.0


class KitRun:
    """A `kit run` of a folder; what it writes to stderr is in a file there."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.folder = folder
        self._errors = folder / "stderr.txt"
        with self._errors.open("w") as stream:
            self.process = subprocess.Popen(
                [*python_process.command("actorkit_kit"), "run", str(folder), "-o", "json", *arguments],
                env=python_process.environ(extra=variables),
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )

    def table(self) -> dict[str, Any]:
        """The actors by name, once all are ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.said()
        return {row["actor"]: row for row in json.loads(line)["actors"]}

    def said(self) -> str:
        """What it has written to stderr."""
        return self._errors.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        """End what still runs, at once where it does not end by itself."""
        assert self.process.stdout is not None
        try:
            if self.process.poll() is None:
                self.stop(signal.SIGINT)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
