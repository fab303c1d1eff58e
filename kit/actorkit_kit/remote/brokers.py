"""Where the brokers of a topology are, and how they are asked: by a command that runs where they can be reached.

The command is `python -m actorkit.mdp.cli`: a process of this machine for `kit run` and for endpoints that are
given, and inside a broker's container or pod for a deployment, whose brokers publish nothing.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol, TypeVar

import msgspec

from actorkit.errors import UNREADABLE
from actorkit.mdp.cli import FOR_PEOPLE, BrokerQuery, BrokerReport, CallResult
from actorkit_kit import python_process
from actorkit_kit.console import note
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.output import last_line

MODULE: Final = "actorkit.mdp.cli"
KEYS: Final = "ACTORKIT_KEYS"

_T = TypeVar("_T")


class Brokers(Protocol):
    """The brokers of a deployment, or those that are named."""

    def call(self, service: str, body: Sequence[bytes], timeout_s: float, *, notes: bool = True) -> CallResult:
        """Ask a service once.

        Raises:
            KitError: the brokers cannot be asked.
        """

    def services(self, *, notes: bool = True) -> list[BrokerReport]:
        """Ask every broker for its services.

        Raises:
            KitError: the brokers cannot be asked.
        """


@dataclass(frozen=True)
class BrokersTogether:
    """Brokers by name that are all reached from one place; their endpoints and the file with keys are as the command
    sees them, `command` runs it."""

    endpoints: Mapping[str, str]
    keys: str
    command: tuple[str, ...]
    environ: Mapping[str, str] | None = None

    def call(self, service: str, body: Sequence[bytes], timeout_s: float, *, notes: bool = True) -> CallResult:
        """Ask a service once, by one run of the command."""
        request = BrokerQuery(
            brokers=dict(self.endpoints),
            service=service,
            body=list(body),
            timeout_s=timeout_s,
            keys=self.keys,
            notes=notes,
        )
        return self._run(request, CallResult)

    def services(self, *, notes: bool = True) -> list[BrokerReport]:
        """Ask every broker, by one run of the command."""
        return self._run(BrokerQuery(brokers=dict(self.endpoints), keys=self.keys, notes=notes), list[BrokerReport])

    def _run(self, request: BrokerQuery, type_: Callable[..., _T]) -> _T:
        pipe, said = subprocess.PIPE, list[str]()
        with subprocess.Popen(self.command, env=self.environ, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None  # noqa: PT018
            listening = threading.Thread(target=_pass_notes_on, args=(process.stderr, said))
            listening.start()
            with suppress(BrokenPipeError), process.stdin:  # it has ended, and says why
                process.stdin.write(msgspec.msgpack.encode(request))
            out = process.stdout.read()
            listening.join()
        try:
            if process.returncode == 0:
                found: _T = msgspec.msgpack.decode(out, type=type_)
                return found
            reason = last_line(said).removeprefix("actorkit: ")
        except UNREADABLE as exc:
            reason = f"its answer cannot be read: {exc}; is its image of another version? Build and deploy again."
        raise KitError(f"the brokers cannot be asked: {reason}")


@dataclass(frozen=True)
class BrokersApart:
    """Brokers of which each is reached in a place of its own, and from no other one."""

    places: tuple[BrokersTogether, ...]

    def call(self, service: str, body: Sequence[bytes], timeout_s: float, *, notes: bool = True) -> CallResult:
        """Ask a service through the first broker that has a worker for it, else through the first."""
        chosen = self.places[0]
        if len(self.places) > 1:
            told = zip(self.places, self.services(notes=notes), strict=True)
            chosen = next((place for place, report in told if _has_worker(report, service)), chosen)
        return chosen.call(service, body, timeout_s, notes=notes)

    def services(self, *, notes: bool = True) -> list[BrokerReport]:
        """Ask every broker in its place."""
        with ThreadPoolExecutor(len(self.places)) as pool:
            found = pool.map(lambda place: place.services(notes=notes), self.places)
            return [report for reports in found for report in reports]


def _has_worker(report: BrokerReport, service: str) -> bool:
    return service in report.services and report.services[service].workers > 0


def _pass_notes_on(stream: IO[bytes], said: list[str]) -> None:
    """Read what the command writes on standard error: notes for people are written at once, the rest is in `said`."""
    for raw in stream:
        line = raw.decode(errors="replace").rstrip()
        if line.startswith(FOR_PEOPLE):
            note(f"kit: {line.removeprefix(FOR_PEOPLE)}")
        else:
            said.append(line)


def named_brokers(endpoints: Sequence[str], keys: Path | None) -> Brokers:
    """Brokers whose endpoints the user names."""
    return from_here({endpoint: endpoint for endpoint in endpoints}, str(keys or ""))


def from_here(endpoints: Mapping[str, str], keys: str) -> BrokersTogether:
    """Brokers that are reached from this machine."""
    return BrokersTogether(endpoints, keys, tuple(python_process.command(MODULE)), python_process.environ())


def no_broker(topology: str) -> UsageError:
    """What is said where a topology has no broker."""
    return UsageError(f'"{topology}" has no broker: none of its actors asks or answers for services.')
