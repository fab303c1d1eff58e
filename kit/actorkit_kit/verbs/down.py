"""`kit down`: the end of a deployment."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.console import note
from actorkit_kit.deploy import compose, lock
from actorkit_kit.deploy.engine import connect
from actorkit_kit.verbs.options import DeploymentArgument, find_meant


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def down(
        name: DeploymentArgument = "",
        volumes: Annotated[
            bool,
            typer.Option(
                "--volumes", help="Delete its volumes too: dead letters, durable requests, what Prometheus has kept."
            ),
        ] = False,
    ) -> None:
        """Stop a deployment, each instance after it has finished what it holds, and remove it.

        Example: kit down orders
        """
        with closing(connect()) as client:
            topology, found = find_meant(client, name)
        folder = Path(found[0].folder)
        with lock.hold(folder, "down"):
            note(f"kit: stopping {topology}: {len(found)} instances finish what they hold")
            compose.take_down(topology, folder if folder.parts else None, volumes=volumes)
        note(f"kit: {topology} is gone")
