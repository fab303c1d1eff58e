"""The plan: a topology with every decision made. Targets write down what stands here and decide nothing about wiring.

Hosts are the one thing that a target supplies: `environment(plan, unit, addresses)` asks its `Addresses`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from actorkit.edge.peers import Peers
from actorkit.graph import Connection, Options, variable_of
from actorkit.settings import DRAIN_TIMEOUT_S
from actorkit.transport.endpoint import REGISTRY, Endpoint
from actorkit_actors.catalogue import Kind
from actorkit_kit.topology.model import (
    BOX,
    CPUS,
    DATA_DIR,
    DEFAULT_REPLICAS,
    MAX_VARIABLE_BYTES,
    MEMORY_MB,
    SECRETS_FOLDER,
    Destination,
    is_data,
    variable_bytes,
)

#: Port on which every actor takes events, and every broker requests, inside its container.
INBOX_PORT: Final = 5550
#: Port of /metrics, /healthz and /readyz inside a container.
ADMIN_PORT: Final = 9600
#: Where an instance makes the token of its admin server, inside its container; it ends with that.
TOKEN_FILE: Final = "/tmp/admin-token"
#: The variable that names the file with that token.
TOKEN_VARIABLE: Final = "ACTORKIT_ADMIN_TOKEN"
#: Folder for files and secrets inside a container.
FILES_DIR: Final = "/etc/actorkit/files"
SECRETS_DIR: Final = "/run/secrets"
#: User and group that containers run as.
USER_ID: Final = 10001


#: Units that are no actors: nothing is put into them, and nothing passes that could be looked at.
NO_ACTORS: Final = ("broker", "registration")


@dataclass(frozen=True)
class Image:
    """The image of a unit: `tag` names it; `extra` is the extra of the distribution that it holds ("" for none);
    `build` is the folder of the user's own code, None for stock actors; `package` is what pip installs that publishes
    the actor, "" for none."""

    tag: str
    extra: str = ""
    build: Path | None = None
    package: str = ""

    @property
    def parts(self) -> tuple[str, str, str]:
        """Repository, tag, and the digest in a registry; "" for each that the name has not."""
        name, _, digest = self.tag.partition("@")
        # A colon before the last slash is that of a registry's port.
        folder, slash, last = name.rpartition("/")
        repository, _, tag = last.partition(":")
        return f"{folder}{slash}{repository}", tag, digest

    def is_own(self, topology: str) -> bool:
        """Whether it holds the author's code of a topology: `orders/execute`, in whatever registry."""
        return self.parts[0].split("/")[-2:-1] == [topology]

    @property
    def names(self) -> tuple[str, ...]:
        """All that an engine may call it that has built and pushed it."""
        repository, tag, digest = self.parts
        if not digest:
            return (self.tag,)
        own = "/".join(repository.split("/")[-2:])
        return (f"{repository}@{digest}", f"{repository}:{tag}", f"{own}:{tag}")


@dataclass(frozen=True)
class Mount:
    """A file that a unit reads: `source` on the author's machine, `target` inside the container.

    The content of a secret with a `variable` is the value of that variable in the author's environment; its `source`
    is no file then. Nor is it where the `content` is given.
    """

    name: str
    source: Path
    target: str
    secret: bool = False
    variable: str = ""
    content: str | None = None


@dataclass(frozen=True)
class WayIn:
    """What leads to a port on Kubernetes: requests for `host` whose paths begin with `path`. An Ingress, with the
    certificate in the Secret `tls`, or an HTTPRoute of a `gateway`. It waits for `timeout_s` for an answer."""

    host: str
    path: str
    tls: str = ""
    gateway: str = ""
    timeout_s: float = 0.0


@dataclass(frozen=True)
class Port:
    """A port that is reached from outside. `published` is the host's; bound to loopback unless `public`.

    `parameter` is the unit's parameter that holds the port, "" when it is the inbox's.
    """

    name: str
    container: int
    published: int
    public: bool = False
    parameter: str = ""
    way_in: WayIn | None = None


@dataclass(frozen=True)
class Wait:
    """`unit` is started before this one; `healthy`: and must be healthy first (not inside a cycle)."""

    unit: str
    healthy: bool


@dataclass(frozen=True)
class Scaling:
    """How many instances of a unit Kubernetes runs. `waiting` is the work that each may have before it, or 0 where
    `cpu_millis`, what each may use in thousandths of a processor, decides.

    `upstreams`: the units that say how much waits for it → the names that it has there.
    """

    least: int
    most: int
    waiting: int = 0
    cpu_millis: int = 0
    upstreams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """A node as it is deployed: an actor, or what stands beside the graph (a broker), with all of its replicas.

    `params` are ready for `ACTORKIT_PARAMS`: file and secret references point to the targets of `mounts`. `params_file`
    is the file that holds them where they are too long for a variable, else "".
    `edges` leave this unit. `egress` is what it may reach outside of the topology. `waits` is ordered: receivers before
    senders. `begins`: events come into the topology here; `serves`: it takes requests from the broker. `listens`: the
    parameter that holds a port of its own, published or not → the one with the address to bind, "" where there is none.
    `keeps`: the parameter that holds a folder of files which outlive the instance → that folder, inside a container.
    """

    name: str
    kind: Kind
    uses: str
    class_path: str
    image: Image
    replicas: int = DEFAULT_REPLICAS
    scaling: Scaling | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    params_file: str = ""
    receives: bool = True
    edges: tuple[Connection, ...] = ()
    uses_broker: bool = False
    #: Where the unit reads the topology's CURVE keys; "" when its edges are in the clear.
    keys: str = ""
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    egress: tuple[Destination, ...] = ()
    waits: tuple[Wait, ...] = ()
    environment_extra: Mapping[str, str] = field(default_factory=dict)
    drain_timeout_s: float = DRAIN_TIMEOUT_S
    memory_mb: int = MEMORY_MB
    cpus: float = CPUS
    begins: bool = False
    serves: bool = False
    listens: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)

    @property
    def volumes(self) -> dict[str, str]:
        """Volumes by the parameter that they are named after → where they are mounted. Folders in DATA_DIR share one:
        there the image has a folder that belongs to the container's user."""
        within = sorted(name for name, folder in self.keeps.items() if is_data(folder))
        return dict.fromkeys(within[:1], DATA_DIR) | {
            name: folder for name, folder in sorted(self.keeps.items()) if name not in within
        }

    @property
    def has_dead_letters(self) -> bool:
        """Whether events can fail here that no connection of its outbox `error` takes."""
        return self.kind == "actor" and self.receives and not any(edge.outbox == "error" for edge in self.edges)


@dataclass(frozen=True)
class Plan:
    """The whole deployment. `digest` is a hash of all that decides about it, `base` the topology's folder."""

    topology: str
    version: str
    digest: str
    base: Path
    units: tuple[Unit, ...]
    #: Files of secrets that units need in some target, not only those that are mounted in this one.
    declared_secrets: tuple[Path, ...] = ()

    def unit(self, name: str) -> Unit:
        """The unit of that name.

        Raises:
            KeyError: there is none.
        """
        return next((unit for unit in self.units if unit.name == name), None) or _missing(name)

    @property
    def secret_files(self) -> frozenset[Path]:
        """The files and folders on the author's machine that hold secrets."""
        files = {mount.source for unit in self.units for mount in unit.mounts if mount.secret and not mount.variable}
        return frozenset((*files, *self.declared_secrets, self.base / SECRETS_FOLDER))

    def of_kind(self, kind: Kind) -> tuple[Unit, ...]:
        """The units of a kind."""
        return tuple(unit for unit in self.units if unit.kind == kind)

    @property
    def absent(self) -> tuple[str, ...]:
        """The units that have no instance at times, by name, in alphabetical order."""
        return tuple(sorted(unit.name for unit in self.units if unit.scaling and not unit.scaling.least))

    def reaches(self, unit: Unit) -> tuple[str, ...]:
        """The units that one opens connections to, by name, in alphabetical order."""
        peers = {edge.destination for edge in unit.edges} | {other.name for other in self.meets(unit)}
        if unit.kind == BOX:
            peers |= {other.name for other in self.of_kind("actor") if other.receives}
        return tuple(sorted(peers))

    def meets(self, unit: Unit) -> tuple[Unit, ...]:
        """The units that one connects to for requests: brokers, and the registration services that list them."""
        if unit.kind != "broker" and not unit.uses_broker:
            return ()
        registrations = self.of_kind("registration")
        if unit.kind == "broker":
            return registrations
        return (*registrations, *self.of_kind("broker"))


def _missing(name: str) -> Unit:
    raise KeyError(name)


@dataclass(frozen=True)
class Addresses:
    """How a target reaches and binds units: `peer(unit)` is an endpoint to connect to, `inbox(unit)` one to bind,
    `admin` is the admin server's host:port, `token` the file with its token."""

    peer: Callable[[str], str]
    inbox: Callable[[str], str]
    admin: str
    token: str = TOKEN_FILE


def container_addresses(host_of: Callable[[str], str]) -> Addresses:
    """Addresses in a network where `host_of(unit)` is a name that lists every replica."""
    return Addresses(
        peer=lambda unit: str(Endpoint.tcp(host_of(unit), INBOX_PORT)),
        inbox=lambda _unit: str(Endpoint.tcp("*", INBOX_PORT)),
        admin=f"0.0.0.0:{ADMIN_PORT}",
    )


def params_text(unit: Unit) -> str:
    """The parameters of a unit as JSON text of printable ASCII."""
    return json.dumps(unit.params, sort_keys=True, separators=(",", ":")).replace("\x7f", "\\u007f")


def fits_a_variable(text: str) -> bool:
    """Whether a process can get the parameters in its environment."""
    return variable_bytes("ACTORKIT_PARAMS", text) <= MAX_VARIABLE_BYTES


def _params(unit: Unit) -> dict[str, str]:
    if unit.params_file:
        return {"ACTORKIT_PARAMS_FILE": unit.params_file}
    return {"ACTORKIT_PARAMS": params_text(unit)}


def _inboxes(plan: Plan, addresses: Addresses) -> Iterator[str]:
    """Where events go: each inbox of an actor once, for what is sent there again."""
    found = {}
    for unit in plan.units:
        for edge in unit.edges:
            if plan.unit(edge.destination).kind == "actor":
                options = Options(key=edge.options.key)
                peers = Peers((addresses.peer(edge.destination),), edge.inbox, options)
                found[edge.destination, edge.inbox] = f"{edge.destination}={peers}"
    yield from (found[name] for name in sorted(found))


def environment(plan: Plan, unit: Unit, addresses: Addresses) -> dict[str, str]:
    """The variables of one unit, by name: the contract of `actorkit.settings`."""
    variables = {
        "ACTORKIT_TOPOLOGY": plan.topology,
        "ACTORKIT_ACTOR": unit.name,
        "ACTORKIT_CLASS": unit.class_path,
        **_params(unit),
        "ACTORKIT_ADMIN": addresses.admin,
        **({} if unit.kind in NO_ACTORS else {TOKEN_VARIABLE: addresses.token}),
        "ACTORKIT_DRAIN_TIMEOUT_S": f"{unit.drain_timeout_s:g}",
        **unit.environment_extra,
    }
    absent = sorted({edge.destination for edge in unit.edges} & set(plan.absent))
    if absent:
        variables["ACTORKIT_MAY_BE_ABSENT"] = " ".join(absent)
    if unit.keys:
        variables["ACTORKIT_KEYS"] = unit.keys
    if unit.receives:
        variables["ACTORKIT_INBOX"] = addresses.inbox(unit.name)
    if unit.kind == BOX:
        variables["ACTORKIT_DEAD_LETTERS"] = next(iter(unit.keeps.values()))
        variables["ACTORKIT_INBOXES"] = " ".join(_inboxes(plan, addresses))
    met = plan.meets(unit)
    listing = [f"{REGISTRY}{addresses.peer(other.name)}" for other in met if other.kind == "registration"]
    if met:
        variables["ACTORKIT_BROKERS"] = " ".join(listing or [addresses.peer(other.name) for other in met])
    outboxes: dict[str, list[str]] = {}
    for edge in unit.edges:
        named = "" if edge.outbox == edge.destination else edge.destination
        peers = Peers((addresses.peer(edge.destination),), edge.inbox, edge.options, named)
        outboxes.setdefault(edge.outbox, []).append(str(peers))
    variables.update({variable_of(outbox): " ".join(peers) for outbox, peers in outboxes.items()})
    return dict(sorted(variables.items()))
