"""`kit schema`: the JSON schema of the topology file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.console import write_result
from actorkit_kit.topology import schema as topology_schema


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def schema(
        file: Annotated[
            Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it is written; else to stdout.")
        ] = None,
    ) -> None:
        """Write the JSON schema of topology files, for editors.

        An editor with a YAML language server completes and checks a topology that begins with the line
        "# yaml-language-server: $schema=topology.schema.json".

        Example: kit schema -o topology.schema.json
        """
        write_result(topology_schema.text(), file)
