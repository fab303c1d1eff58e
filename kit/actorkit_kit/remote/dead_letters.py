"""Where the dead letters of a topology are, and how they are reached: beside their file a command is run.

The command is `python -m actorkit.deadletters.cli`: on this machine for `kit run`, in the container of the topology's
dead-letter box for a deployment.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.output import last_line

MODULE: Final = "actorkit.deadletters.cli"
VARIABLE: Final = "ACTORKIT_DEAD_LETTERS"
INBOXES: Final = "ACTORKIT_INBOXES"
KEYS: Final = "ACTORKIT_KEYS"
#: What the command's own messages begin with, and its status for a letter or an actor that is not there.
_OURS: Final = "actorkit: "
_NOT_THERE: Final = 2


@dataclass(frozen=True)
class Choice:
    """Which letters are meant: what is left empty excludes nothing. `ids` may be `all`; `after` is the id of the letter
    to go on after; `since` and `until` are seconds since 1970."""

    actor: str = ""
    ids: tuple[str, ...] = ()
    reason: str = ""
    trace: str = ""
    key: str = ""
    since: float | None = None
    until: float | None = None
    after: str = ""
    limit: int = 0

    def arguments(self) -> list[str]:
        """The same as arguments of the command, but for the ids."""
        given = ("actor", "reason", "trace", "key", "since", "until", "after", "limit")
        values = [(name, getattr(self, name)) for name in given]
        return [f"--{name}={value}" for name, value in values if value not in ("", None, 0)]


@dataclass(frozen=True)
class Done:
    """What came of sending or dropping events. `without` are header fields that were not kept, as they are secret."""

    count: int
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeadLetterBox:
    """The dead letters of one topology; `command` runs beside them, with `environ` where that is here."""

    command: tuple[str, ...]
    environ: Mapping[str, str] | None = None

    def list(self, choice: Choice) -> list[dict[str, Any]]:
        """What is in the box, without the bodies, in the order in which it came.

        Raises:
            UsageError: what the choice names is not there.
            KitError: the box cannot be read.
        """
        return [json.loads(line) for line in self._run("list", choice).splitlines()]

    def show(self, choice: Choice) -> Iterator[dict[str, Any]]:
        """Whole events. Raises as `list` does."""
        decoder, text, at = json.JSONDecoder(), self._run("show", choice).strip(), 0
        while at < len(text):
            letter, at = decoder.raw_decode(text, at)
            yield letter
            while text[at : at + 1].isspace():
                at += 1

    def retry(self, choice: Choice, rate: float) -> Done:
        """Send letters again, at most `rate` a second (0: as fast as they are taken), and take them out as they are
        finished. When this process ends, so does that. Raises as `list` does."""
        return _done(self._run("retry", choice, f"--rate={rate:g}"))

    def drop(self, choice: Choice) -> Done:
        """Take letters out. Raises as `list` does."""
        return _done(self._run("drop", choice))

    def _run(self, action: str, choice: Choice, *more: str) -> str:
        command = [*self.command, action, "--attached", *choice.arguments(), *more]
        pipe = subprocess.PIPE
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(command, env=self.environ, stdin=pipe, stdout=pipe, stderr=errors) as process,
        ):
            assert process.stdin is not None and process.stdout is not None  # noqa: PT018
            # Its input stays open until it has ended: the end of it would mean that nobody waits any more.
            with suppress(BrokenPipeError):  # it has ended, and says why
                process.stdin.write(json.dumps(list(choice.ids)).encode() + b"\n")
                process.stdin.flush()
            out = process.stdout.read()
            with suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait()
            errors.seek(0)
            said = errors.read().decode(errors="replace").splitlines()
        if not status:
            return out.decode(errors="replace")
        ours = [line.removeprefix(_OURS) for line in said if line.startswith(_OURS)]
        if ours and status == _NOT_THERE:
            raise UsageError(ours[-1])
        raise KitError(f"the dead letters cannot be reached: {last_line(ours or said)}")


def _done(out: str) -> Done:
    found = json.loads(out)
    return Done(found.get("sent", 0) + found.get("dropped", 0), tuple(found.get("without", ())))


def no_box(topology: str) -> UsageError:
    """What is said where a topology has no box."""
    return UsageError(f'"{topology}" has no dead letters: every actor has a connection for what fails.')
