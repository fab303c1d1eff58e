"""What `kit run` runs: processes of this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorkit.edge.peers import Peers
from actorkit.observe.fetch import fetch
from actorkit.transport.endpoint import Endpoint
from actorkit_kit import python_process
from actorkit_kit.deploy.log_lines import LogLine
from actorkit_kit.deployments.deployment import OnStatus, PastRevision, State, no_instance, no_token
from actorkit_kit.deployments.pages import Pages
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.free_ports import LOOPBACK
from actorkit_kit.instance import BROKER_CLASS, actors_of
from actorkit_kit.local.state import console_url, dead_letters_folder, process_of_run, running_processes
from actorkit_kit.local.status import local_instances
from actorkit_kit.plan.model import TOKEN_VARIABLE
from actorkit_kit.remote import brokers, dead_letters
from actorkit_kit.remote.brokers import Brokers
from actorkit_kit.remote.dead_letters import DeadLetterBox
from actorkit_kit.target import Target

_OUTBOX: Final = "ACTORKIT_OUTBOX_"
#: Seconds between two looks at whether `kit run` has ended.
_LOOK_S: Final = 0.1


@dataclass(frozen=True)
class LocalRun:
    """What `kit run` runs of the topology in a folder, or has run: its dead letters stay."""

    base: Path
    topology: str
    target: Target = Target.LOCAL

    @property
    def name(self) -> str:
        return self.topology

    @property
    def where(self) -> str:
        return f'kit run in "{self.base}"'

    def _processes(self) -> list[Mapping[str, str]]:
        """The variables of each process that runs.

        Raises:
            KitError: it does not run.
        """
        found = running_processes(self.base, self.topology)
        if not found:
            raise KitError(f'"{self.topology}" does not run on this machine. Start it with kit run, then try again.')
        return found

    def state(self) -> State:
        """How its processes are, each asked for itself."""
        found = local_instances(self.base, self.topology)
        return State(tuple(actors_of(found)), tuple(found))

    def logs(self, actors: Sequence[str], tail: int, *, follow: bool) -> Iterator[LogLine]:
        """None: they go to the terminal of `kit run`."""
        raise UsageError(f"kit run writes the logs of {self.topology} to its own terminal, and keeps none. Look there.")

    def scale(self, wanted: Mapping[str, int], timeout_s: float, on_status: OnStatus) -> None:
        """Not here."""
        raise UsageError(
            "kit run runs as many processes as the topology says. Change replicas: there, and start it again."
        )

    def history(self) -> list[PastRevision]:
        """None is kept."""
        raise UsageError("kit run keeps no history. What is deployed has one: kit deploy")

    def roll_back(self, number: int | None, timeout_s: float, on_status: OnStatus) -> str:
        """Not here."""
        raise UsageError(
            "kit run keeps no history, so there is nothing to go back to. What is deployed has one: kit deploy"
        )

    def down(self, timeout_s: float, *, volumes: bool) -> None:
        """End `kit run`, as SIGTERM does. Dead letters stay: they are its user's."""
        pid = process_of_run(self.base, self.topology)
        if pid is None:
            raise UsageError(f"{self.topology} does not run on this machine.")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while running_processes(self.base, self.topology):
            if time.monotonic() > deadline:
                raise KitError(
                    f"kit run (process {pid}) still runs after {timeout_s:g} s: it waits for what is under way."
                )
            time.sleep(_LOOK_S)

    def brokers(self) -> Brokers:
        """Its brokers, asked by a process of this machine."""
        found = [variables for variables in self._processes() if variables["ACTORKIT_CLASS"] == BROKER_CLASS]
        if not found:
            raise brokers.no_broker(self.topology)
        endpoints = {each["ACTORKIT_INSTANCE"]: _from_this_machine(each["ACTORKIT_INBOX"]) for each in found}
        return brokers.from_here(endpoints, found[0].get(brokers.KEYS, ""))

    def dead_letters(self, *, alive: bool) -> DeadLetterBox:
        """The box beside the topology; it is there when nothing runs, too."""
        processes = self._processes() if alive else running_processes(self.base, self.topology)
        variables = {
            "ACTORKIT_TOPOLOGY": self.topology,
            "ACTORKIT_ACTOR": "dead-letters",
            "ACTORKIT_CLASS": "actorkit.actor:Actor",
            dead_letters.VARIABLE: str(dead_letters_folder(self.base, self.topology)),
            dead_letters.INBOXES: " ".join(sorted({entry for process in processes for entry in _inboxes(process)})),
        }
        keys = next((process[dead_letters.KEYS] for process in processes if process.get(dead_letters.KEYS)), "")
        if keys:
            variables[dead_letters.KEYS] = keys
        return DeadLetterBox(tuple(python_process.command(dead_letters.MODULE)), python_process.environ(variables))

    @contextmanager
    def pages(self) -> Iterator[Pages]:
        """Asks each process at its own port."""
        known = {each["ACTORKIT_INSTANCE"]: each["ACTORKIT_ADMIN"] for each in self._processes()}
        yield Pages(lambda name, path: fetch(known[name], path) if name in known else None)

    @contextmanager
    def admin(self, instance: str) -> Iterator[str]:
        """The process's own port."""
        known = {each["ACTORKIT_INSTANCE"]: each["ACTORKIT_ADMIN"] for each in self._processes()}
        if instance not in known:
            raise no_instance(self.name, instance, list(known))
        yield known[instance]

    @contextmanager
    def console(self) -> Iterator[str]:
        """The one of `kit run` itself."""
        self._processes()
        yield console_url(self.base, self.topology)

    def token(self, instance: str) -> str:
        """What stands in the process's file, which only its user may read."""
        known = {each["ACTORKIT_INSTANCE"]: each.get(TOKEN_VARIABLE, "") for each in self._processes()}
        if instance not in known:
            raise no_instance(self.name, instance, list(known))
        if not known[instance]:
            raise no_token(instance)
        try:
            return Path(known[instance]).read_text()
        except OSError as exc:
            raise KitError(f'the token of "{instance}" cannot be read: {exc.strerror}.') from exc


def _from_this_machine(inbox: str) -> str:
    """Where what is bound to an inbox is reached on this machine."""
    endpoint = Endpoint.parse(inbox)
    return str(Endpoint.tcp(LOOPBACK, endpoint.port)) if endpoint.is_every_interface else inbox


def _inboxes(variables: Mapping[str, str]) -> Iterator[str]:
    """Where a process of `kit run` sends events: the folder of an actor's sockets has its name."""
    for name, value in variables.items():
        for text in value.split() if name.startswith(_OUTBOX) else ():
            endpoint = Endpoint.parse(Peers.parse(text).endpoints[0])
            if endpoint.transport == "ipc":
                yield f"{Path(endpoint.host).parent.name}={text}"
