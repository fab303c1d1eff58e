"""`kit rollback`: back to a revision that ran."""

from __future__ import annotations

from typing import Annotated

import typer

from actorkit_kit.console import Output, note
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments import state_view
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.verbs.options import (
    ContextOption,
    DeploymentOption,
    NamespaceOption,
    OutputOption,
    WhereOption,
)


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def rollback(
        number: Annotated[
            int | None, typer.Argument(metavar="[N]", min=1, help="The revision; the one before the last without.")
        ] = None,
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest time until all are healthy.")
        ] = 180.0,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Go back to a revision that ran, with its images, settings, files and secrets, and wait until it is healthy.

        It is a deployment like any other: without an outage, and put back when it fails. It becomes a revision of its
        own, so a second rollback undoes the first.

        Examples: kit rollback; kit rollback 3 -d orders; kit rollback -d orders -n shop
        """
        wanted = Wanted(name, target, Cluster(context, namespace))
        with find(wanted, kept="history", changes=True) as deployment:
            with state_view.show_status() as on_status:
                done = deployment.roll_back(number, timeout_s, on_status)
            note(f"kit: {done}")
            state_view.write_state(deployment, deployment.state(), output)
