"""The local target: one process for each replica on this machine, connected by ipc sockets; no Docker needed."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from actorkit_kit import python_process
from actorkit_kit.actor_section import FREE_VARIABLES
from actorkit_kit.errors import KitError
from actorkit_kit.plan import Addresses, Mount, Plan, Unit, environment

#: Where processes listen that nobody outside of this machine shall reach.
LOOPBACK: Final = "127.0.0.1"
#: Longest path of a Unix socket, in bytes (`sun_path` in unix(7), less the end mark).
MAX_SOCKET_PATH: Final = 107


@dataclass(frozen=True)
class Process:
    """How one replica is started. `admin` is its admin server's URL, `urls` are those that it publishes."""

    unit: Unit
    number: int
    command: tuple[str, ...]
    environ: dict[str, str]
    admin: str
    urls: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.unit.name}.{self.number}"


@contextmanager
def socket_folder(plan: Plan) -> Iterator[Path]:
    """A folder for sockets, with a folder for each unit; removed afterwards. Its path is short, as sockets' must be."""
    longest = max((len(unit.name) for unit in plan.units), default=0) + len("/kit-12345678//1000.sock")
    parent = None if len(tempfile.gettempdir()) + longest <= MAX_SOCKET_PATH else "/tmp"
    with tempfile.TemporaryDirectory(prefix="kit-", dir=parent) as name:
        for unit in plan.units:
            Path(name, unit.name).mkdir()
        yield Path(name)


def processes(plan: Plan, folder: Path) -> list[Process]:
    """Every process of a plan; their sockets and the content of their secrets are in the folder.

    Raises:
        KitError: a published port is in use, or a secret's variable is not set.
    """
    check_ports(plan)
    ports = FreePorts(port.published for unit in plan.units for port in unit.ports)
    return [process for unit in plan.units for process in _of_unit(plan, unit, folder, ports)]


def replicas(unit: Unit) -> int:
    """How many processes a unit gets: only one of them can have a published port."""
    return 1 if unit.ports else unit.replicas


def check_ports(plan: Plan) -> None:
    """See that every published port is free.

    Raises:
        KitError: one is not; nothing has been started.
    """
    for unit in plan.units:
        for port in unit.ports:
            address = "0.0.0.0" if port.public else LOOPBACK
            with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port.published))
                except OSError as exc:
                    todo = f"End what uses it, or change {_section(unit)}.expose.{port.name}."
                    raise KitError(f'port {port.published} of "{unit.name}": {exc.strerror}. {todo}') from exc


def _section(unit: Unit) -> str:
    return unit.name if unit.kind == "broker" else f"actors.{unit.name}"


class FreePorts:
    """Gives out ports that nobody uses now, none of them twice and none of the taken ones."""

    def __init__(self, taken: Iterable[int]) -> None:
        self._given = set(taken)

    def take(self) -> int:
        while True:
            with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
                probe.bind((LOOPBACK, 0))
                port: int = probe.getsockname()[1]
            if port not in self._given:
                self._given.add(port)
                return port


def _of_unit(plan: Plan, unit: Unit, folder: Path, ports: FreePorts) -> Iterator[Process]:
    for number in range(1, replicas(unit) + 1):
        admin = f"{LOOPBACK}:{ports.take()}"
        local = replace(unit, params=_params(unit, folder, ports))
        addresses = Addresses(
            peer=lambda name: _peer(plan, name, folder),
            inbox=lambda name, number=number: _inbox(plan, name, folder, number),  # type: ignore[misc]  # bound here
            admin=admin,
        )
        variables = environment(plan, local, addresses)
        variables["ACTORKIT_INSTANCE"] = f"{unit.name}-{number}"
        variables.update({name: os.environ[name] for name in FREE_VARIABLES if name in os.environ})
        yield Process(
            unit=unit,
            number=number,
            command=tuple(python_process.command("actorkit")),
            environ=python_process.environ(unit.image.build, extra=variables),
            admin=f"http://{admin}",
            urls=tuple(_url(unit, port.published) for port in unit.ports),
        )


def _url(unit: Unit, port: int) -> str:
    return f"{'tcp' if unit.kind == 'broker' else 'http'}://{LOOPBACK}:{port}"


def _peer(plan: Plan, name: str, folder: Path) -> str:
    unit = plan.unit(name)
    if unit.kind == "broker" and unit.ports:
        return f"tcp://{LOOPBACK}:{unit.ports[0].published}"
    return f"ipc://{folder}/{name}/*.sock"


def _inbox(plan: Plan, name: str, folder: Path, number: int) -> str:
    unit = plan.unit(name)
    if unit.kind == "broker" and unit.ports:
        port = unit.ports[0]
        return f"tcp://{'*' if port.public else LOOPBACK}:{port.published}"
    return f"ipc://{folder}/{name}/{number}.sock"


def _params(unit: Unit, folder: Path, ports: FreePorts) -> dict[str, Any]:
    """The parameters for this machine: real files, published ports, and any free port where none is published."""
    sources = {mount.target: _source(mount, folder) for mount in unit.mounts}
    params = {
        name: {"file": sources[value["file"]]} if isinstance(value, dict) and value.get("file") in sources else value
        for name, value in unit.params.items()
    }
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
    value = os.environ.get(mount.variable)
    if value is None:
        raise KitError(f'the secret "{mount.name}" comes from {mount.variable}, which is not set. Set the variable.')
    path = folder / f"{mount.name}.secret"
    path.touch(mode=0o600)
    path.write_text(value, encoding="utf-8")
    return str(path)
