"""A network on this machine that replicas can be cut off from: each lives in a network namespace of its own.

The namespaces hang on one bridge, and processes reach each other over TCP. Cutting one off takes its cable's end at the
bridge down: nothing is refused, nothing is reset, packets are gone, as when a cable is pulled (ip-netns(8), veth(4)).
The bridge has a namespace too: the firewall of the machine, such as Docker's, does not see what goes over it.

The namespaces are files in a folder of our own, not names in /run/netns: the first `ip netns add` on a machine turns
that folder into a mount point, on top of the namespaces that pods have there already (unshare(1), nsenter(1)).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from actorkit.transport.endpoint import Endpoint
from actorkit_kit.errors import KitError
from actorkit_kit.local.processes import Local, Process
from actorkit_kit.plan.model import ADMIN_PORT, INBOX_PORT, Plan, Unit

#: Replicas that a unit may have more than the topology says.
SPARE: Final = 1
#: Addresses are of 10.213.X.0/24 and up; X is chosen so that nobody else on this machine has it.
PREFIX: Final = "10.213"
#: The variable with the endpoints of the brokers.
BROKERS: Final = "ACTORKIT_BROKERS"
#: Folder with the folder of the namespaces.
RUN: Final = Path("/run")
#: Longest time for one `ip` command, in seconds.
IP_TIMEOUT_S: Final = 30.0


def unable() -> str:
    """Why replicas cannot be cut off on this machine; "" when they can."""
    if os.geteuid() != 0 or not all(shutil.which(command) for command in ("ip", "unshare", "nsenter")):
        return "--partition needs network namespaces: root, and the commands ip, unshare and nsenter."
    return ""


class Network:
    """A bridge, and a namespace for each replica, with room for `SPARE` more of each; .1 is this machine."""

    def __init__(self, plan: Plan) -> None:
        self._tag = f"kc{os.getpid()}"
        self._folder = RUN / self._tag
        self._switch = self._folder / "switch"
        places = [(unit.name, number) for unit in plan.units for number in range(1, unit.replicas + SPARE + 1)]
        if len(places) > 250:
            raise KitError(f"--partition has room for 250 replicas, and there would be {len(places)}.")
        self._numbers = {place: index for index, place in enumerate(places, 2)}
        self._subnet = ""

    def open(self) -> None:
        """Make everything.

        Raises:
            KitError: the system does not let us.
        """
        self._subnet = _free_subnet()
        self._folder.mkdir()
        self._add(self._switch)
        self._inside("link", "add", "bridge", "type", "bridge")
        self._inside("link", "set", "bridge", "up")
        self._ip("link", "add", self._tag, "type", "veth", "peer", "name", "v1", "netns", str(self._switch))
        self._ip("address", "add", f"{self._subnet}.1/24", "dev", self._tag)
        self._ip("link", "set", self._tag, "up")
        self._inside("link", "set", "v1", "master", "bridge", "up")
        for index in self._numbers.values():
            name, end = self._folder / str(index), f"v{index}"
            self._add(name)
            self._inside("link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", str(name))
            self._inside("link", "set", end, "master", "bridge", "up")
            self._ip("address", "add", f"{self._subnet}.{index}/24", "dev", "eth0", inside=name)
            self._ip("link", "set", "lo", "up", inside=name)
            self._ip("link", "set", "eth0", "up", inside=name)

    def close(self) -> None:
        """Take everything away again; what is not there is passed over. Cables go with the namespaces."""
        for name in sorted(self._folder.glob("*")):
            _run("umount", str(name), check=False)
            name.unlink(missing_ok=True)
        if self._folder.is_dir():
            self._folder.rmdir()
        self._ip("link", "delete", self._tag, check=False)

    def address(self, actor: str, number: int) -> str:
        """The IPv4 address of a replica."""
        return f"{self._subnet}.{self._numbers[actor, number]}"

    def namespace(self, actor: str, number: int) -> Path:
        """The file that stands for a replica's namespace."""
        return self._folder / str(self._numbers[actor, number])

    def cut(self, actor: str, number: int) -> None:
        """Cut a replica off from everybody."""
        self._inside("link", "set", f"v{self._numbers[actor, number]}", "down")

    def mend(self, actor: str, number: int) -> None:
        """Bring it back."""
        self._inside("link", "set", f"v{self._numbers[actor, number]}", "up")

    def _add(self, name: Path) -> None:
        """Make a namespace that lasts as long as its file is mounted."""
        name.touch()
        _run("unshare", f"--net={name}", "true")

    def _inside(self, *arguments: str) -> None:
        """Run `ip` in the bridge's namespace."""
        self._ip(*arguments, inside=self._switch)

    def _ip(self, *arguments: str, inside: Path | None = None, check: bool = True) -> None:
        entering = ("nsenter", f"--net={inside}") if inside is not None else ()
        _run(*entering, "ip", *arguments, check=check)


def _run(*command: str, check: bool = True) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=IP_TIMEOUT_S, check=False)
    if check and done.returncode:
        raise KitError(f"{' '.join(command)}: {done.stderr.strip() or 'it failed'}. Are we root in here?")


def _free_subnet() -> str:
    """The first of our subnets that no address of this machine is in."""
    taken = subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, timeout=IP_TIMEOUT_S).stdout
    for number in range(256):
        if f" {PREFIX}.{number}." not in taken:
            return f"{PREFIX}.{number}"
    raise KitError(f"no subnet of {PREFIX}.0.0/16 is free for --partition.")


@contextmanager
def network(plan: Plan) -> Iterator[Network]:
    """A network for the replicas of a plan, taken away afterwards.

    Raises:
        KitError: it cannot be made; the message says what is missing.
    """
    reason = unable()
    if reason:
        raise KitError(reason)
    made = Network(plan)
    try:
        made.open()
        yield made
    finally:
        made.close()


class Namespaced(Local):
    """The processes of a plan, each in the network's namespace for it."""

    def __init__(self, plan: Plan, folder: Path, box: Path, net: Network) -> None:
        super().__init__(plan, folder, box)
        self._net = net

    def command(self, unit: Unit, number: int) -> tuple[str, ...]:
        return ("nsenter", f"--net={self._net.namespace(unit.name, number)}", *super().command(unit, number))

    def admin(self, unit: Unit, number: int) -> str:
        return f"{self._net.address(unit.name, number)}:{ADMIN_PORT}"

    def peer(self, unit: Unit) -> str:
        """An endpoint for each replica, the spare ones too: nobody answers there until there is one."""
        numbers = range(1, unit.replicas + (SPARE if unit.kind != "registration" else 0) + 1)
        return ",".join(str(Endpoint.tcp(self._net.address(unit.name, number), INBOX_PORT)) for number in numbers)

    def inbox(self, unit: Unit, number: int) -> str:  # noqa: ARG002  # all the same: each has an address of its own
        return str(Endpoint.tcp("*", INBOX_PORT))

    def process(self, unit: Unit, number: int) -> Process:
        """As everywhere; but endpoints of brokers are separated by blanks, not by commas."""
        if unit.kind in ("broker", "registration"):
            unit = replace(unit, params={**unit.params, "clear": True})  # Nobody else is in this network.
        made = super().process(unit, number)
        if BROKERS in made.environ:
            made.environ[BROKERS] = made.environ[BROKERS].replace(",", " ")
        return made
