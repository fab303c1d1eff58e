"""`kit down`: the end of what runs."""

from __future__ import annotations

from typing import Annotated

import typer

from actorkit_kit.console import Output, note, result_json
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.verbs.options import (
    ContextOption,
    DeploymentArgument,
    NamespaceOption,
    OutputOption,
    WhereOption,
)


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def down(
        name: DeploymentArgument = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        volumes: Annotated[
            bool,
            typer.Option(
                "--volumes", help="Delete its volumes too: dead letters, durable requests, what Prometheus has kept."
            ),
        ] = False,
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest time until all is gone.")
        ] = 300.0,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Stop what runs, each instance after it has finished what it holds, and remove it.

        Examples: kit down orders; kit down orders -n shop
        """
        with find(Wanted(name, target, Cluster(context, namespace)), changes=True) as deployment:
            note(f"kit: stopping {deployment.name} ({deployment.where}); its instances finish what they hold")
            deployment.down(timeout_s, volumes=volumes)
            note(f"kit: {deployment.name} is gone")
            if output is Output.JSON:
                result_json({"deployment": deployment.name, "target": deployment.target, "where": deployment.where})
