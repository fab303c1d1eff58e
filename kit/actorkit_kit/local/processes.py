"""The local target: one process for each replica on this machine, connected by ipc sockets; no Docker needed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from actorkit.params import FOLDER_FILES, is_reference
from actorkit.transport.endpoint import Endpoint
from actorkit_kit import python_process
from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import LOOPBACK, FreePorts, why_not_free
from actorkit_kit.plan.model import Addresses, Mount, Plan, Unit, environment, fits_a_variable, params_text
from actorkit_kit.plan.mount_name import mount_name
from actorkit_kit.plan.secret import variable_content
from actorkit_kit.topology.model import USER_VARIABLES

#: Longest path of a Unix socket, in bytes (`sun_path` in unix(7), less the end mark).
MAX_SOCKET_PATH: Final = 107


@dataclass(frozen=True)
class Process:
    """How one replica is started. `admin` is its admin server's URL, `urls` are the URLs of its published ports."""

    unit: Unit
    number: int
    command: tuple[str, ...]
    environ: dict[str, str]
    admin: str
    urls: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The instance's name, as in its log and metrics."""
        return f"{self.unit.name}-{self.number}"


@contextmanager
def socket_folder(plan: Plan) -> Iterator[Path]:
    """A folder for sockets, with a folder for each unit; removed afterwards. Its path is short, as sockets' must be."""
    longest = max((len(unit.name) for unit in plan.units), default=0) + len("/kit-12345678//1000.sock")
    parent = None if len(tempfile.gettempdir()) + longest <= MAX_SOCKET_PATH else "/tmp"
    with tempfile.TemporaryDirectory(prefix="kit-", dir=parent) as name:
        for unit in plan.units:
            Path(name, unit.name).mkdir()
        yield Path(name)


class Local:
    """The processes of a plan on this machine. `folder` holds their sockets and the content of their secrets; `box` is
    the folder of their dead letters, None: they keep none. What they keep besides is in a folder beside it. `ours` are
    published ports that these processes have already. One trace of `sample_every` is recorded where nothing else is
    said; 0: none.

    Raises:
        KitError: a published port is in use, or a secret's variable is not set.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        box: Path | None = None,
        ours: Collection[int] = (),
        sample_every: int = 0,
    ) -> None:
        check_ports(plan, ours)
        self.plan = plan
        self._folder = folder
        self._box = box
        self._sample_every = sample_every
        self._ports = FreePorts(port.published for unit in plan.units for port in unit.ports)

    def processes(self) -> list[Process]:
        """One process for each replica."""
        return [self.process(unit, number) for unit in self.plan.units for number in range(1, replicas(unit) + 1)]

    def process(self, unit: Unit, number: int) -> Process:
        """How the replica of that number is started."""
        admin = self.admin(unit, number)
        sources = {mount.target: _source(mount, self._folder) for mount in unit.mounts if mount.content is None}
        params = {**_params(unit, sources, self._ports), **self.kept(unit), **_advertisement(unit)}
        local = replace(unit, params=params, keys=sources[unit.keys] if unit.keys else "")
        local = replace(local, params_file=self._params_file(local, number))
        addresses = Addresses(
            peer=lambda name: self.peer(self.plan.unit(name)),
            inbox=lambda _name: self.inbox(unit, number),
            admin=admin,
            token=self.token(unit, number),
        )
        variables = environment(self.plan, local, addresses)
        if unit.image.build is not None:
            variables["ACTORKIT_CODE"] = str(unit.image.build)
        variables["ACTORKIT_INSTANCE"] = f"{unit.name}-{number}"
        if self._sample_every:
            variables.setdefault("ACTORKIT_SAMPLE", str(self._sample_every))
        if unit.has_dead_letters:
            variables["ACTORKIT_DEAD_LETTERS"] = str(self._box or "")
        variables.update({name: os.environ[name] for name in USER_VARIABLES if name in os.environ})
        return Process(
            unit=unit,
            number=number,
            command=self.command(unit, number),
            environ=python_process.environ(variables),
            admin=f"http://{admin}",
            urls=tuple(_url(unit, port.published) for port in unit.ports),
        )

    def command(self, unit: Unit, number: int) -> tuple[str, ...]:  # noqa: ARG002  # for subclasses that place processes elsewhere
        """What is run."""
        return tuple(python_process.command("actorkit"))

    def admin(self, unit: Unit, number: int) -> str:  # noqa: ARG002  # as above
        """Where a replica's admin server listens: host:port."""
        return f"{LOOPBACK}:{self._ports.take()}"

    def token(self, unit: Unit, number: int) -> str:
        """The file where a replica makes the token of its admin server."""
        return f"{self._folder}/{unit.name}/{number}.token"

    def peer(self, unit: Unit) -> str:
        """The endpoint that stands for all replicas of a unit."""
        if unit.kind != "actor" and unit.ports:
            return str(Endpoint.tcp(LOOPBACK, unit.ports[0].published))
        return self._socket(unit, "1" if unit.kind == "registration" else "*")

    def inbox(self, unit: Unit, number: int) -> str:
        """The endpoint that a replica binds."""
        if unit.kind != "actor" and unit.ports:
            port = unit.ports[0]
            return str(Endpoint.tcp("*" if port.public else LOOPBACK, port.published))
        return self._socket(unit, str(number))

    def _socket(self, unit: Unit, name: str) -> str:
        """The endpoint of one socket file of a unit, or of all that the pattern matches."""
        return str(Endpoint("ipc", f"{self._folder}/{unit.name}/{name}.sock"))

    def _params_file(self, unit: Unit, number: int) -> str:
        """The file with the parameters of a replica, where they are too long for a variable; else ""."""
        text = params_text(unit)
        if fits_a_variable(text):
            return ""
        path = self._folder / f"{unit.name}.{number}.params.json"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def kept(self, unit: Unit) -> dict[str, str]:
        """The folders of files that outlive a process; where none can be kept, they end with it."""
        beside = self._box.parent if self._box else self._folder
        return {name: str(beside / f"{unit.name}-{name}") for name in unit.keeps}


def replicas(unit: Unit) -> int:
    """How many processes a unit gets: only one of them can have a published port."""
    return 1 if unit.ports else unit.replicas


def check_ports(plan: Plan, ours: Collection[int] = ()) -> None:
    """See that every published port is free, but for those that are ours.

    Raises:
        KitError: one is not; nothing has been started.
    """
    for unit in plan.units:
        for port in unit.ports:
            if port.published in ours:
                continue
            address = "0.0.0.0" if port.public else LOOPBACK
            reason = why_not_free(address, port.published)
            if reason:
                todo = f"End what uses it, or change {_section(unit)}.expose.{port.name}."
                raise KitError(f'port {port.published} of "{unit.name}": {reason}. {todo}')


def _section(unit: Unit) -> str:
    return unit.name if unit.name == unit.kind else f"actors.{unit.name}"


def _advertisement(unit: Unit) -> dict[str, str]:
    """Where a broker with a published port is reached on this machine: it is bound to all addresses when public."""
    given = unit.kind != "broker" or not unit.ports or "advertise" in unit.params
    return {} if given else {"advertise": str(Endpoint.tcp(LOOPBACK, unit.ports[0].published))}


def _url(unit: Unit, port: int) -> str:
    return f"{'http' if unit.kind == 'actor' else 'tcp'}://{LOOPBACK}:{port}"


def _on_this_machine(value: Any, sources: Mapping[str, str]) -> Any:
    """A parameter, its files where they are on this machine."""
    if not is_reference(value):
        return value
    if FOLDER_FILES in value:
        return {FOLDER_FILES: {name: sources.get(path, path) for name, path in value[FOLDER_FILES].items()}}
    return {"file": sources[value["file"]]} if value.get("file") in sources else value


def _params(unit: Unit, sources: Mapping[str, str], ports: FreePorts) -> dict[str, Any]:
    """The parameters for this machine: real files, published ports, and any free port where none is published."""
    params = {name: _on_this_machine(value, sources) for name, value in unit.params.items()}
    published = {port.parameter: port for port in unit.ports}
    for name, host in unit.listens.items():
        port = published.get(name)
        params[name] = port.published if port else ports.take()
        if host:
            params[host] = "0.0.0.0" if port and port.public else LOOPBACK
    return params


def _source(mount: Mount, folder: Path) -> str:
    if not mount.variable:
        return str(mount.source)
    value = variable_content(mount)
    path = folder / f"{mount_name(mount.name)}.secret"
    path.touch(mode=0o600)
    path.write_bytes(value)
    return str(path)
