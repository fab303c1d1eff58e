"""Where the brokers of a topology are, and how they are asked: by a command that runs where they can be reached.

The command is `python -m actorkit.mdp.cli`: a process of this machine for `kit run` and for endpoints that are
given, and inside a broker's container for a deployment, whose brokers publish nothing.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import msgspec
from docker import DockerClient

from actorkit.errors import UNREADABLE
from actorkit.mdp.cli import FOR_PEOPLE, BrokerQuery, BrokerReport, CallResult
from actorkit.transport.endpoint import Endpoint
from actorkit_kit import python_process
from actorkit_kit.console import note
from actorkit_kit.deploy import deployment
from actorkit_kit.deploy.engine import docker_command
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.free_ports import LOOPBACK
from actorkit_kit.instance import BROKER_CLASS
from actorkit_kit.local.state import running_processes
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import INBOX_PORT

MODULE: Final = "actorkit.mdp.cli"
KEYS: Final = "ACTORKIT_KEYS"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Brokers:
    """Brokers by name, with their endpoints and the file with keys as the command sees them; `command` runs it."""

    endpoints: Mapping[str, str]
    keys: str
    command: tuple[str, ...]
    environ: Mapping[str, str] | None = None

    def call(self, service: str, body: Sequence[bytes], timeout_s: float, *, notes: bool = True) -> CallResult:
        """Ask a service once.

        Raises:
            KitError: the command could not be run.
        """
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
        """Ask every broker for its services.

        Raises:
            KitError: the command could not be run.
        """
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
    return _from_here({endpoint: endpoint for endpoint in endpoints}, str(keys or ""))


def local_brokers(base: Path, topology: str) -> Brokers:
    """The brokers of `kit run`.

    Raises:
        KitError: it does not run, or has no broker.
    """
    processes = running_processes(base, topology)
    if not processes:
        raise KitError(f'"{topology}" does not run on this machine. Start it with kit run, then try again.')
    found = [variables for variables in processes if variables["ACTORKIT_CLASS"] == BROKER_CLASS]
    if not found:
        raise _no_broker(topology)
    endpoints = {each["ACTORKIT_INSTANCE"]: _from_this_machine(each["ACTORKIT_INBOX"]) for each in found}
    return _from_here(endpoints, found[0].get(KEYS, ""))


def _from_this_machine(inbox: str) -> str:
    """Where what is bound to an inbox is reached on this machine."""
    endpoint = Endpoint.parse(inbox)
    return str(Endpoint.tcp(LOOPBACK, endpoint.port)) if endpoint.is_every_interface else inbox


def _from_here(endpoints: Mapping[str, str], keys: str) -> Brokers:
    return Brokers(endpoints, keys, tuple(python_process.command(MODULE)), python_process.environ())


def deployed_brokers(client: DockerClient, topology: str) -> Brokers:
    """The brokers of a deployment, asked from inside one of their containers.

    Raises:
        UsageError: there is no such deployment.
        KitError: it has no broker, or none that runs.
    """
    everything = deployment.find_replicas(client, topology)
    labels = [f"{deployment.TOPOLOGY_LABEL}={topology}", f"{deployment.KIND_LABEL}=broker"]
    containers = client.containers.list(all=True, filters={"label": labels}, ignore_removed=True)
    running = sorted((each for each in containers if each.status == "running"), key=lambda each: str(each.name))
    if not containers:
        raise _no_broker(topology)
    if not running:
        states = ", ".join(f"{each.container} is {each.state}" for each in everything if each.actor == "broker")
        raise KitError(f'no broker of "{topology}" runs: {states or "all have ended"}. See: kit status {topology}')
    endpoints = {str(each.name): str(Endpoint.tcp(str(each.name), INBOX_PORT)) for each in running}
    command = (docker_command(), "exec", "--interactive", str(running[0].id), "python", "-m", MODULE)
    return Brokers(endpoints, _variable(running[0], KEYS), command)


def _variable(container: Any, name: str) -> str:
    entries = container.attrs["Config"]["Env"] or ()
    return next((entry.partition("=")[2] for entry in entries if entry.startswith(f"{name}=")), "")


def _no_broker(topology: str) -> UsageError:
    return UsageError(f'"{topology}" has no broker: none of its actors asks or answers for services.')
