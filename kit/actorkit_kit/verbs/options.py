"""How verbs are told which deployment is meant: by name, or by its topology."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.errors import UsageError
from actorkit_kit.topology.load import load_checked, load_document


class Where(StrEnum):
    """What runs a topology."""

    LOCAL = "local"
    COMPOSE = "compose"


#: The argument that names a deployment.
DeploymentArgument = Annotated[
    str, typer.Argument(metavar="[NAME|TOPOLOGY]", help="A deployment's name, or its topology; the only one without.")
]

#: The same as an option, for verbs whose arguments are actors.
DeploymentOption = Annotated[
    str, typer.Option("--deployment", "-d", metavar="NAME|TOPOLOGY", help="A deployment's name, or its topology.")
]


def name_of(reference: str) -> str:
    """The name of the deployment that `reference` means.

    Raises:
        InvalidTopology: it is a topology with mistakes.
    """
    return load_checked(reference).topology.name if is_topology(reference) else reference


def is_topology(reference: str) -> bool:
    """Whether a topology is meant, not a deployment's name."""
    path = Path(reference)
    return ":" in reference or "/" in reference or bool(path.suffix) or Path(path, "topology.yaml").is_file()


def place_of(reference: str) -> tuple[Path, str]:
    """The folder and the name of a topology. It may have mistakes meanwhile: what runs of it is there all the same.

    Raises:
        UsageError: it has no name.
    """
    document = load_document(reference)
    name = document.data.get("name") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        raise UsageError(f'"{reference}" has no name:. Correct it; kit validate tells more.')
    return document.base, name
