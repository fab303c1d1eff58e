"""`kit history`: what of a deployment has run."""

from __future__ import annotations

from dataclasses import asdict

import typer

from actorkit_kit.console import Output, result_json, result_table
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.verbs.options import (
    ContextOption,
    DeploymentArgument,
    NamespaceOption,
    OutputOption,
    WhereOption,
)

_COLUMNS = ("REVISION", "TIME", "STATE", "CHANGES")


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command("history")
    def show_history(
        name: DeploymentArgument = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """List the revisions of a deployment that became healthy, and what changed with each.

        On Docker the last 10 are kept, with their images; on Kubernetes helm keeps them, failed ones too.

        Examples: kit history orders; kit history orders -n shop
        """
        with find(Wanted(name, target, Cluster(context, namespace)), kept="history") as deployment:
            rows = [asdict(revision) for revision in deployment.history()]
        if output is Output.JSON:
            result_json([{"revision": row.pop("number"), **row} for row in rows])
        else:
            result_table(_COLUMNS, [tuple(map(str, row.values())) for row in rows])
