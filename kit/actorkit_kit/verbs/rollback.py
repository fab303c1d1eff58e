"""`kit rollback`: back to a revision that ran."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Annotated

import typer

from actorkit_kit.console import Output, note
from actorkit_kit.deploy import compose, deployment, helm, lock, preconditions, state_view
from actorkit_kit.deploy.engine import connect
from actorkit_kit.render.compose import PROMETHEUS
from actorkit_kit.verbs.options import (
    DeploymentOption,
    DeployTarget,
    OutputOption,
    TargetOption,
    deployed_folder,
    name_of,
)


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def rollback(
        number: Annotated[
            int | None, typer.Argument(metavar="[N]", min=1, help="The revision; the one before the last without.")
        ] = None,
        name: DeploymentOption = "",
        target: TargetOption = DeployTarget.COMPOSE,
        namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the release (helm).")] = "",
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest time until all are healthy.")
        ] = 180.0,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Go back to a revision that ran, with its images, settings, files and secrets, and wait until it is healthy.

        It is a deployment like any other: without an outage, and put back when it fails. It becomes a revision of its
        own, so a second rollback undoes the first.

        Examples: kit rollback; kit rollback 3 -d orders; kit rollback --target helm -d orders
        """
        if target is DeployTarget.HELM:
            note(f"kit: {helm.roll_back(helm.release_of(name), number, namespace, timeout_s)}")
            return
        with closing(connect()) as client, ExitStack() as stack:
            topology = name_of(name) if name else deployment.find_only(client)
            where = deployed_folder(name)
            stack.enter_context(lock.hold(where, "rollback"))
            found = deployment.list_replicas(client, topology)
            preconditions.check_owner(topology, found, where)
            prometheus = PROMETHEUS in {replica.actor for replica in found}
            variables = preconditions.check_prometheus(client, found, where) if prometheus else {}
            with state_view.show_status() as on_status:
                deployer = compose.Deployer(
                    client, topology, where, prometheus, timeout_s, on_status, tell=_tell, variables=variables
                )
                revision, rows = deployer.roll_back(number)
        note(f"kit: {topology} runs as it did in revision {revision.number} ({revision.time})")
        state_view.write_status(rows, output, topology)


def _tell(text: str) -> None:
    note(f"kit: {text}")
