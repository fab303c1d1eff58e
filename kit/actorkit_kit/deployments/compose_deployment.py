"""What `kit deploy` has brought up on a Docker Engine: containers of one compose project."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docker import DockerClient
from docker.errors import DockerException

from actorkit.observe.fetch import Page, fetch
from actorkit.transport.endpoint import Endpoint
from actorkit_kit.console import note
from actorkit_kit.deploy import compose, console, history, lock, preconditions, replicas
from actorkit_kit.deploy.engine import docker_command
from actorkit_kit.deploy.inside import CONNECT, fetch_command, read_answer
from actorkit_kit.deploy.log_lines import LogLine
from actorkit_kit.deploy.replicas import Replica
from actorkit_kit.deployments import compose_logs
from actorkit_kit.deployments.deployment import OnStatus, PastRevision, State, no_instance, no_token
from actorkit_kit.deployments.forward import relay
from actorkit_kit.deployments.pages import Pages
from actorkit_kit.deployments.work import with_work
from actorkit_kit.errors import KitError
from actorkit_kit.instance import actors_of
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import ADMIN_PORT, INBOX_PORT, TOKEN_VARIABLE
from actorkit_kit.remote import brokers, dead_letters
from actorkit_kit.remote.brokers import Brokers, BrokersTogether
from actorkit_kit.remote.dead_letters import DeadLetterBox
from actorkit_kit.render.observability import PROMETHEUS
from actorkit_kit.target import Target

#: Longest wait for a container's own address, in seconds; where it is none of this machine's, nobody answers.
_CONNECT_S: Final = 0.5
#: Carries its standard input to the admin server of its own container, and back what that says. What runs in the
#: background has no input but a descriptor of its own.
_RELAY: Final = f"exec 4<&0; {CONNECT}; cat <&4 >&3 & cat <&3; kill $!"


@dataclass(frozen=True)
class ComposeDeployment:
    """A deployment on a Docker Engine, found by its label. `nearby`: the engine is on this machine, so that containers
    are reached at their own addresses."""

    client: DockerClient
    topology: str
    #: The folder that it runs from, or ran from; None: where its containers say.
    folder: Path | None = None
    nearby: bool = sys.platform == "linux"
    target: Target = Target.COMPOSE

    @property
    def name(self) -> str:
        return self.topology

    @property
    def where(self) -> str:
        host = os.environ.get("DOCKER_HOST", "")
        return f'Docker at "{host}"' if host else "Docker"

    def _home(self) -> Path:
        """The folder with its compose file.

        Raises:
            UsageError: it is not deployed.
            KitError: the folder is gone.
        """
        return self.folder or replicas.compose_folder(replicas.find_replicas(self.client, self.topology))

    def state(self) -> State:
        """How its containers are."""
        found = replicas.list_replicas(self.client, self.topology)
        well = [one.name for one in found if one.healthy]
        with self.pages() as pages:
            told = with_work(
                replicas.instances(found), pages.get("/scale", well), {one.name for one in self._brokers()}
            )
        return State(tuple(actors_of(told)), tuple(told))

    def logs(self, actors: Sequence[str], tail: int, *, follow: bool) -> Iterator[LogLine]:
        """Their lines, as compose has them."""
        return compose_logs.read_logs(self.topology, actors, tail, follow=follow)

    def scale(self, wanted: Mapping[str, int], timeout_s: float, on_status: OnStatus) -> None:
        """More containers, or fewer; no other one is touched."""
        with lock.hold(self._home(), "scale"):
            compose.scale(self.client, self.topology, wanted, on_status, timeout_s)

    def history(self) -> list[PastRevision]:
        """The revisions that became healthy, as its folder keeps them."""
        kept = history.revisions(self._home())
        return [
            PastRevision(
                revision.number,
                revision.time,
                "deployed" if revision is kept[-1] else "superseded",
                ", ".join(revision.changes),
            )
            for revision in kept
        ]

    def roll_back(self, number: int | None, timeout_s: float, on_status: OnStatus) -> str:
        """A deployment of a revision that is kept."""
        where = self._home()
        with lock.hold(where, "rollback"):
            found = replicas.list_replicas(self.client, self.topology)
            preconditions.check_owner(self.topology, found, where)
            prometheus = PROMETHEUS in {replica.actor for replica in found}
            variables = preconditions.check_prometheus(self.client, found, where) if prometheus else {}
            deployer = compose.Deployer(
                self.client, self.topology, where, prometheus, timeout_s, on_status, tell=tell, variables=variables
            )
            revision, _ = deployer.roll_back(number)
        return f"{self.topology} runs as it did in revision {revision.number} ({revision.time})"

    def down(self, timeout_s: float, *, volumes: bool) -> None:
        """What `docker compose down` does, by its labels; each container has the time to stop that it asks for."""
        where = Path(replicas.find_replicas(self.client, self.topology)[0].folder)
        with lock.hold(where, "down"):
            compose.take_down(self.topology, where if where.parts else None, volumes=volumes)

    def _of_kind(self, kind: str) -> list[Any]:
        """The containers of servers of a kind, in the order of their names."""
        labels = [f"{replicas.TOPOLOGY_LABEL}={self.topology}", f"{replicas.KIND_LABEL}={kind}"]
        found = self.client.containers.list(all=True, filters={"label": labels}, ignore_removed=True)
        return sorted(found, key=lambda container: str(container.name))

    def _brokers(self) -> list[Replica]:
        return [replicas.read_replica(container.attrs) for container in self._of_kind("broker")]

    def brokers(self) -> Brokers:
        """Its brokers, asked from inside one of their containers, as they publish nothing."""
        containers = self._of_kind("broker")
        running = [each for each in containers if each.status == "running"]
        if not containers:
            raise brokers.no_broker(self.topology)
        if not running:
            states = ", ".join(f"{each.name} is {each.status}" for each in containers)
            raise KitError(f'no broker of "{self.topology}" runs: {states}. See: kit status {self.topology}')
        endpoints = {str(each.name): str(Endpoint.tcp(str(each.name), INBOX_PORT)) for each in running}
        return BrokersTogether(endpoints, _variable(running[0], brokers.KEYS), self._inside(running[0], brokers.MODULE))

    def dead_letters(self, *, alive: bool) -> DeadLetterBox:  # the box itself says who does not run
        """The box, reached inside its container."""
        found = self._of_kind("dead-letters")
        running = [container for container in found if container.status == "running"]
        if not found:
            raise dead_letters.no_box(self.topology)
        if not running:
            raise KitError(
                f'the dead-letter box of "{self.topology}" does not run: it is {found[0].status}. See: kit status'
            )
        return DeadLetterBox(self._inside(running[0], dead_letters.MODULE))

    @staticmethod
    def _inside(container: Any, module: str) -> tuple[str, ...]:
        return (docker_command(), "exec", "--interactive", str(container.id), "python", "-m", module)

    def _containers(self) -> dict[str, Any]:
        """The containers that run, by the names of their instances."""
        label = f"{replicas.TOPOLOGY_LABEL}={self.topology}"
        found = self.client.containers.list(filters={"label": label}, ignore_removed=True)
        return {replicas.read_replica(container.attrs).name: container for container in found}

    @contextmanager
    def pages(self) -> Iterator[Pages]:
        """Asks each container at its own address where the engine is on this machine, else by a command inside it."""
        known = self._containers()

        def ask(name: str, path: str) -> Page | None:
            container = known.get(name)
            if container is None:
                return None
            address = self._address(container)
            return (fetch(address, path) if address else None) or _fetch_inside(container, path)

        yield Pages(ask)

    def _address(self, container: Any) -> str:
        """The address of a container's admin server, where this machine can reach it; else ""."""
        if not self.nearby or not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
            return ""
        networks = container.attrs["NetworkSettings"]["Networks"].values()
        found = next((network["IPAddress"] for network in networks if network.get("IPAddress")), "")
        return f"{found}:{ADMIN_PORT}" if found else ""

    @contextmanager
    def admin(self, instance: str) -> Iterator[str]:
        """The container's own address, else one of this machine whose connections are carried into it."""
        known = self._containers()
        if instance not in known:
            raise no_instance(self.name, instance, list(known))
        address = self._address(known[instance])
        if address and fetch(address, "/healthz", _CONNECT_S) is not None:
            yield address
            return
        inside = ("exec", "--interactive", str(known[instance].id), "bash", "-c", _RELAY)
        with relay((docker_command(), *inside)) as address:
            yield address

    @contextmanager
    def console(self) -> Iterator[str]:
        """A service beside its actors. It is started where it does not run, and stays."""
        yield console.bring_up(self.topology, self._home())

    def token(self, instance: str) -> str:
        """What stands in the container's file, read by a command inside of it."""
        known = self._containers()
        if instance not in known:
            raise no_instance(self.name, instance, list(known))
        path = _variable(known[instance], TOKEN_VARIABLE)
        if not path:
            raise no_token(instance)
        try:
            status, said = known[instance].exec_run(["cat", path])
        except DockerException as exc:
            raise KitError(f'the token of "{instance}" cannot be read: {exc}') from exc
        if status:
            raise KitError(
                f'the token of "{instance}" cannot be read: {last_line((said or b"").decode(errors="replace"))}'
            )
        return str(said.decode())


def _variable(container: Any, name: str) -> str:
    entries = container.attrs["Config"]["Env"] or ()
    return next((entry.partition("=")[2] for entry in entries if entry.startswith(f"{name}=")), "")


def _fetch_inside(container: Any, path: str) -> Page | None:
    """A page of a container's admin server, fetched by a command inside of it; None where it does not answer."""
    try:
        status, answer = container.exec_run(fetch_command(path))
    except DockerException:
        return None
    found = read_answer(answer or b"") if status == 0 else None
    return Page(*found) if found else None


def tell(text: str) -> None:
    """Say what is done, on stderr."""
    note(f"kit: {text}")
