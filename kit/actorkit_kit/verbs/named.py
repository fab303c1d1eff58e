"""How verbs are told which deployment is meant: by name, or by its topology."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.load import load_checked

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
