"""The topology: the graph that an author wrote down, checked, with every name resolved and nothing decided yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from actorkit.graph import Connection
from actorkit.settings import DRAIN_TIMEOUT_S
from actorkit_actors.catalogue import Kind
from actorkit_kit.topology.location import Location

#: Name of the broker that a topology has when it says nothing about one.
BROKER: Final = "broker"
#: Name of the dead-letter box that a topology has when it says nothing about one, and its kind.
BOX: Final = "dead-letters"
#: Kinds of servers that listen for whoever connects.
LISTENING: Final = ("broker", "registration")

#: What a topology becomes: processes of `kit run`, a Compose file, a Helm chart.
TARGETS: Final = ("local", "compose", "helm")
#: The target of `kit run` and `kit chaos`.
LOCAL: Final = TARGETS[0]
#: Targets in which other machines may be between instances.
ON_NETWORKS: Final = ("compose", "helm")

#: Folder beside the topology where secrets are that say nothing else.
SECRETS_FOLDER: Final = "secrets"

#: Folder inside a container for files that outlive it: a volume is there. The image gives it to the container's user.
DATA_DIR: Final = "/var/lib/actorkit/data"

#: Variables of the runtime that an author may set; all others follow from the topology.
USER_VARIABLES: Final = (
    "ACTORKIT_SOURCE_WINDOW",
    "ACTORKIT_SECRET_HEADERS",
    "ACTORKIT_SAMPLE",
    "ACTORKIT_LOG_FORMAT",
    "ACTORKIT_LOG_LEVEL",
)


#: How many instances of a node run when the topology says nothing else.
DEFAULT_REPLICAS: Final = 1
#: What one instance may use when the topology says nothing else: memory in MiB, and processors.
MEMORY_MB: Final = 128
CPUS: Final = 1.0


#: The longest variable of an environment, name and end mark included (MAX_ARG_STRLEN of Linux, execve(2)), in bytes.
MAX_VARIABLE_BYTES: Final = 131_072


def variable_bytes(name: str, value: str) -> int:
    """What a variable takes in an environment: `NAME=value` and its end mark, in bytes."""
    return len(f"{name}={value}".encode(errors="replace")) + 1


@dataclass(frozen=True)
class Exposure:
    """A port that is reached from outside, on the host's `port`; from other machines only when `public`.

    On Kubernetes a `host` name and a `path` lead there, by an Ingress with the certificate in the Secret `tls`, or by
    an HTTPRoute of the Gateway `namespace/name` in `gateway`.
    """

    name: str
    port: int
    public: bool = False
    host: str = ""
    path: str = "/"
    tls: str = ""
    gateway: str = ""


@dataclass(frozen=True)
class Resources:
    """What one instance may use."""

    memory_mb: int = MEMORY_MB
    cpus: float = CPUS


@dataclass(frozen=True)
class Scale:
    """How many instances an actor has at least and at most, and what decides: `waiting`, the work that one instance may
    have before it, or `cpu`, percents of the processors that one may use; the other is 0."""

    least: int
    most: int
    waiting: int = 0
    cpu: int = 0


@dataclass(frozen=True)
class Destination:
    """What an actor reaches outside of the topology: a `host`, which is a name, or a block of addresses as CIDR; ""
    stands for all hosts. `port` 0 stands for all ports."""

    host: str = ""
    port: int = 0

    @property
    def is_block(self) -> bool:
        """Whether the host is a block of addresses, which a packet filter knows; it does not know names."""
        return "/" in self.host


#: What an actor reaches whose `egress` is true.
ANYWHERE: Final = (Destination(),)


@dataclass(frozen=True)
class Node:
    """An actor as written: `uses` is a name from the catalogue or `package.module:Class`, `class_path` the latter.

    A `kind` other than "actor" stands beside the graph. `location` is where the node stands in the document.
    """

    name: str
    uses: str
    class_path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    replicas: int = DEFAULT_REPLICAS
    scale: Scale | None = None
    build: Path | None = None
    expose: tuple[Exposure, ...] = ()
    egress: tuple[Destination, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    drain_timeout_s: float = DRAIN_TIMEOUT_S
    kind: Kind = "actor"
    location: Location = ()


@dataclass(frozen=True)
class Secret:
    """Where the content of a secret comes from on the author's machine: a file, or a variable of the environment."""

    name: str
    file: Path | None = None
    variable: str = ""


@dataclass(frozen=True)
class Topology:
    """The whole graph, and what stands beside it; `base` is the folder that paths start from."""

    name: str
    base: Path
    actors: Mapping[str, Node]
    connections: tuple[Connection, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    #: Name of the secret with the topology's CURVE keys; "" when its edges are in the clear.
    keys: str = ""
    #: Whether they may be in the clear where other machines reach them.
    clear: bool = False
    #: Files of all declared secrets, also of those that another target has.
    secret_files: tuple[Path, ...] = ()


def secret_of(topology: Topology, name: str) -> Secret:
    """Where a secret comes from, declared or not."""
    return topology.secrets.get(name) or Secret(name, topology.base / SECRETS_FOLDER / name)


def is_data(folder: str) -> bool:
    """Whether a folder is DATA_DIR or lies in it."""
    path = PurePosixPath(folder)
    return path.is_relative_to(DATA_DIR) and ".." not in path.parts
