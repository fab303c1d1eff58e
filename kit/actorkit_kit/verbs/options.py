"""The options that verbs share, and what they mean: which topology, which deployment, whose brokers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from actorkit.transport.endpoint import REGISTRY, Endpoint
from actorkit_kit.classes import known
from actorkit_kit.classes.actor_class import ActorClass, ClassRequest
from actorkit_kit.classes.lookup import look_up
from actorkit_kit.console import Output
from actorkit_kit.errors import UsageError
from actorkit_kit.remote import brokers
from actorkit_kit.remote.brokers import Brokers
from actorkit_kit.target import Target
from actorkit_kit.topology.findings import suggest
from actorkit_kit.topology.load import DEFAULT_FILE

#: The target whose values decide where any would do: images, and the code in them, are the same in all of them.
IMAGES_TARGET: Final = "compose"


class DeployTarget(StrEnum):
    """What is deployed to."""

    COMPOSE = "compose"
    HELM = "helm"


#: The option that says what is deployed to.
TargetOption = Annotated[
    DeployTarget | None, typer.Option("--target", "-t", help="What it is deployed to; else where it runs.")
]

#: What runs the deployment.
WhereOption = Annotated[
    Target | None,
    typer.Option("--target", "-t", help="What runs it; else the first of kit run, Docker, the cluster that has it."),
]

#: The namespace of a release.
NamespaceOption = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NAME", help="Namespace on Kubernetes; the context's own without.")
]

#: The cluster of a release.
ContextOption = Annotated[
    str, typer.Option("--context", metavar="NAME", help="Context of kubectl; the current one without.")
]

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

#: What names a deployment.
_DEPLOYMENT: Final = "What runs, by its name or its topology; else ./topology.yaml, or the only one."

#: The argument that names a deployment.
DeploymentArgument = Annotated[str, typer.Argument(metavar="[NAME|TOPOLOGY]", help=_DEPLOYMENT)]

#: The same as an option, for verbs whose arguments are actors or services.
DeploymentOption = Annotated[str, typer.Option("--deployment", "-d", metavar="NAME|TOPOLOGY", help=_DEPLOYMENT)]

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


def named_brokers(endpoints: Sequence[str], keys: Path | None) -> Brokers | None:
    """The brokers that are named by their endpoints; None where none is.

    Raises:
        UsageError: one is no endpoint, or there are keys without.
    """
    for endpoint in endpoints:
        try:
            Endpoint.parse(endpoint.removeprefix(REGISTRY))
        except ValueError as exc:
            raise UsageError(f"--broker: {exc}") from exc
    if endpoints:
        return brokers.named_brokers(endpoints, keys)
    if keys is not None:
        raise UsageError("--keys goes with --broker. A topology that runs has its own.")
    return None
