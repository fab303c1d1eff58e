"""The options that verbs share, and what they mean: which topology, which deployment, whose brokers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from docker import DockerClient

from actorkit.transport.endpoint import REGISTRY, Endpoint
from actorkit_kit.classes import known
from actorkit_kit.classes.actor_class import ActorClass, ClassRequest
from actorkit_kit.classes.lookup import look_up
from actorkit_kit.console import Output
from actorkit_kit.deploy import deployment, preconditions
from actorkit_kit.deploy.deployment import Replica
from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import UsageError
from actorkit_kit.files import is_file
from actorkit_kit.kit_folder import place_in
from actorkit_kit.local.state import running_processes, running_topologies
from actorkit_kit.remote import brokers
from actorkit_kit.remote.brokers import Brokers
from actorkit_kit.topology.document import Document
from actorkit_kit.topology.findings import suggest
from actorkit_kit.topology.load import DEFAULT_FILE, load_document


class Where(StrEnum):
    """What runs a topology."""

    LOCAL = "local"
    COMPOSE = "compose"


#: The target whose values decide where any would do: images, and the code in them, are the same in all of them.
IMAGES_TARGET: Final = "compose"


class DeployTarget(StrEnum):
    """What is deployed to."""

    COMPOSE = "compose"
    HELM = "helm"


#: The option that says what is deployed to.
TargetOption = Annotated[DeployTarget, typer.Option("--target", "-t", help="What it is deployed to.")]

#: The option `-o text|json` of verbs that have a result.
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How the result is written.", show_default=True)]

#: The argument that names a topology.
TopologyArgument = Annotated[
    str,
    typer.Argument(
        metavar="TOPOLOGY",
        default_factory=lambda: DEFAULT_FILE,
        show_default="./topology.yaml",
        help="A topology file, a folder with topology.yaml, or app.py:director.",
    ),
]

#: The argument that names a deployment.
DeploymentArgument = Annotated[
    str, typer.Argument(metavar="[NAME|TOPOLOGY]", help="A deployment's name, or its topology; the only one without.")
]

#: The same as an option, for verbs whose arguments are actors.
DeploymentOption = Annotated[
    str, typer.Option("--deployment", "-d", metavar="NAME|TOPOLOGY", help="A deployment's name, or its topology.")
]

#: Where the brokers are, when that does not follow from a topology.
BrokerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--broker",
        "-b",
        metavar="ENDPOINT",
        help="A broker, as tcp://host:5550; or registry+tcp://host:5550. May be repeated.",
    ),
]

#: Keys for brokers that are named by their endpoints.
KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FILE", help="CURVE keys for --broker: what kit keys wrote.", dir_okay=False),
]

#: Whether brokers are somebody else's.
ForeignOption = Annotated[
    bool, typer.Option("--foreign", help="The broker is not actorkit's: send it nothing but what RFC 7 has.")
]

#: The topology, running or deployed, whose brokers or dead letters are meant.
RunningOption = Annotated[
    str,
    typer.Option(
        "--deployment",
        "-d",
        metavar="NAME|TOPOLOGY",
        help="A topology, or the name of what runs; without: ./topology.yaml, or the only one that runs.",
    ),
]

#: What runs the topology.
WhereOption = Annotated[
    Where | None,
    typer.Option("--target", "-t", help="kit run or Docker; else kit run where it runs the topology."),
]


def find_class(actor: str, build: Path) -> ActorClass:
    """The class of an actor, which is a name from the catalogue or a class in the folder `build`.

    Raises:
        UsageError: there is none.
    """
    entry = known.entry_of(actor)
    if entry is None and ":" not in actor:
        raise UsageError(f'there is no actor "{actor}" in the catalogue. {suggest(actor, known.names())}')
    (reply,) = look_up([ClassRequest(entry.class_path if entry else actor)], build.resolve())
    if reply.actor_class is None:
        raise UsageError(f"{actor}: {reply.error}. Say with --build which folder has the code.")
    return reply.actor_class


def name_of(reference: str) -> str:
    """The name of the deployment that `reference` means. A topology may have mistakes meanwhile.

    Raises:
        UsageError: it is a topology without a name.
    """
    return _document_name(load_document(reference), reference) if _is_topology(reference) else reference


def find_meant(client: DockerClient, reference: str) -> tuple[str, list[Replica]]:
    """The name and the containers of the deployment that is to be changed: the only one without a reference.

    Raises:
        UsageError: there is no such deployment, or the topology has no name.
        KitError: a topology is named, and another folder's runs under its name.
    """
    name = name_of(reference) if reference else deployment.find_only(client)
    found = deployment.find_replicas(client, name)
    if reference and _is_topology(reference):
        preconditions.check_meant(name, found, deployed_folder(reference))
    return name, found


def deployed_folder(reference: str) -> Path:
    """The folder that a deployment on the engine runs from, or ran from where a topology is named.

    Raises:
        UsageError: there is no such deployment, or the topology has no name.
        KitError: its folder is gone.
    """
    if reference and _is_topology(reference):
        document = load_document(reference)
        return place_in(document.base, _document_name(document, reference))
    with closing(connect()) as client:
        name = reference or deployment.find_only(client)
        return deployment.compose_folder(deployment.find_replicas(client, name))


def find_place(reference: str) -> tuple[Path, str] | None:
    """The folder and the name of the topology that a `RunningOption` means; None where it means a deployment.

    A name, or nothing, means a topology that `kit run` runs, if there is one. The topology may have mistakes meanwhile:
    what runs of it is there all the same.

    Raises:
        UsageError: the topology has no name, or several are meant.
    """
    reference = reference or (DEFAULT_FILE if Path(DEFAULT_FILE).is_file() else "")
    if not reference or not _is_topology(reference):
        return _running_place(reference)
    document = load_document(reference)
    return document.base, _document_name(document, reference)


def _document_name(document: Document, reference: str) -> str:
    name = document.data.get("name") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        raise UsageError(f'"{reference}" has no name:. Correct it; kit validate tells more.')
    return name


def find_brokers(endpoints: Sequence[str] | None, keys: Path | None, name: str, target: Where | None) -> Brokers:
    """The brokers that are meant.

    Raises:
        UsageError: that is not clear.
        KitError: they do not run.
    """
    if endpoints:
        for endpoint in endpoints:
            try:
                Endpoint.parse(endpoint.removeprefix(REGISTRY))
            except ValueError as exc:
                raise UsageError(f"--broker: {exc}") from exc
        return brokers.named_brokers(endpoints, keys)
    if keys is not None:
        raise UsageError("--keys goes with --broker. A topology that runs has its own.")
    place = find_place(name)
    if place is None and target is Where.LOCAL:
        raise UsageError(f"kit run does not run {name or 'a topology'}. Start it, or name its file: -d topology.yaml")
    if place is not None and (target is Where.LOCAL or (target is None and running_processes(*place))):
        return brokers.local_brokers(*place)
    with closing(connect()) as client:
        return brokers.deployed_brokers(client, place[1] if place else name or deployment.find_only(client))


def _running_place(name: str) -> tuple[Path, str] | None:
    """The folder and the name of the topology that `kit run` runs under a name ("": the only one); None: there is none.

    Raises:
        UsageError: several run.
    """
    found = [place for place in running_topologies() if name in ("", place[1])]
    if len(found) > 1:
        several = ", ".join(f"{base} ({topology})" for base, topology in found)
        raise UsageError(f"several topologies run here: {several}. Name the folder of one: -d {found[0][0]}")
    return found[0] if found else None


def _is_topology(reference: str) -> bool:
    """Whether a topology is meant, not a deployment's name."""
    path = Path(reference)
    return ":" in reference or "/" in reference or bool(path.suffix) or is_file(Path(path, DEFAULT_FILE))
