"""How verbs are told whose brokers are meant: by endpoints, or as what runs a topology."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from actorkit.mdp.directory.discovery import REGISTRY
from actorkit.transport.endpoint import Endpoint
from actorkit_kit.deploy import deployment
from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import UsageError
from actorkit_kit.local import state
from actorkit_kit.remote import brokers
from actorkit_kit.remote.brokers import Brokers
from actorkit_kit.topology.load import DEFAULT_FILE
from actorkit_kit.verbs.options import Where, is_topology, place_of

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

#: The topology whose brokers are meant.
RunningOption = Annotated[
    str,
    typer.Option(
        "--deployment",
        "-d",
        metavar="NAME|TOPOLOGY",
        help="A topology, or a deployment's name; ./topology.yaml, or the only deployment without.",
    ),
]

#: What runs the topology.
WhereOption = Annotated[
    Where | None,
    typer.Option("--target", "-t", help="kit run or Docker; else kit run where it runs the topology."),
]


def reached(endpoints: Sequence[str] | None, keys: Path | None, name: str, target: Where | None) -> Brokers:
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
        return brokers.given(endpoints, keys)
    if keys is not None:
        raise UsageError("--keys goes with --broker. A topology that runs has its own.")
    reference = name or (DEFAULT_FILE if Path(DEFAULT_FILE).is_file() else "")
    place = place_of(reference) if reference and is_topology(reference) else None
    if place is None and target is Where.LOCAL:
        raise UsageError("name the topology that kit run runs: -d topology.yaml")
    if place is not None and (target is Where.LOCAL or (target is None and state.running(*place))):
        return brokers.local(*place)
    with closing(connect()) as client:
        return brokers.deployed(client, place[1] if place else name or deployment.only(client))
