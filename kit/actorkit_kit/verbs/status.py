"""`kit status`: how a deployment is."""

from __future__ import annotations

from contextlib import closing

import typer

from actorkit_kit.console import Output, result, result_json
from actorkit_kit.deploy import deployment, state_view
from actorkit_kit.deploy.engine import connect
from actorkit_kit.verbs.options import DeploymentArgument, OutputOption, name_of


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def status(name: DeploymentArgument = "", output: OutputOption = Output.TEXT) -> None:
        """Show the actors of a deployment, or of all: replicas, health, published URLs.

        Exit status 0 when all are healthy, 1 otherwise.

        Example: kit status orders
        """
        with closing(connect()) as client:
            names = [name_of(name)] if name else deployment.list_topologies(client)
            states = {name: deployment.actor_statuses(deployment.find_replicas(client, name)) for name in names}
        if not states and output is Output.TEXT:
            result("nothing is deployed on this engine")
        if not states and output is Output.JSON:
            result_json([])
        for topology, rows in states.items():
            if len(states) > 1 and output is Output.TEXT:
                result(f"{topology}:")
            state_view.write_status(rows, output, topology)
        if any(row.healthy < row.wanted for rows in states.values() for row in rows):
            raise typer.Exit(1)
