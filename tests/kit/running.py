"""`kit run` as a real process that goes on, for tests."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, ClassVar

from actorkit_kit import python_process
from tests.fleet import Process

#: Longest wait for its end, in seconds.
DEADLINE_S = 30.0


class KitRun:
    """A `kit run` of a folder; what it writes to stderr is in a file there."""

    VERB: ClassVar[str] = "run"

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.folder = folder
        number = len(list(folder.glob("stderr-*")))  # a second run in the folder has files of its own
        self.process = Process(
            python_process.environ(extra=variables),
            folder / f"stderr-{number}.txt",
            command=[*python_process.command("actorkit_kit"), self.VERB, str(folder), "-o", "json", *arguments],
            out=folder / f"stdout-{number}.txt",
        )

    def table(self) -> dict[str, Any]:
        """The actors by name, once all are ready."""
        (line,) = self.process.lines(1, DEADLINE_S)
        return {row["actor"]: row for row in json.loads(line)["actors"]}

    def said(self) -> str:
        """What it has written to stderr."""
        return self.process.said()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        return self.process.stop(number, DEADLINE_S)

    def close(self) -> None:
        """End what still runs, at once where it does not end by itself."""
        try:
            if self.process.alive:
                self.stop(signal.SIGINT)
        finally:
            self.process.close()


class KitDev(KitRun):
    """The same of `kit dev`."""

    VERB = "dev"
