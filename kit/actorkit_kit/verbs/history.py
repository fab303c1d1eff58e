"""`kit history`: what of a deployment has run."""

from __future__ import annotations

from typing import Annotated

import typer

from actorkit_kit.console import Output, result_json, result_table
from actorkit_kit.deploy import helm, history
from actorkit_kit.verbs.options import DeploymentArgument, DeployTarget, OutputOption, TargetOption, deployed_folder

_COLUMNS = ("REVISION", "TIME", "STATE", "CHANGES")


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command("history")
    def show_history(
        name: DeploymentArgument = "",
        target: TargetOption = DeployTarget.COMPOSE,
        namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the release (helm).")] = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """List the revisions of a deployment that became healthy, and what changed with each.

        On compose the last 10 are kept, with their images; on Kubernetes helm keeps them, failed ones too.

        Examples: kit history orders; kit history orders --target helm
        """
        if target is DeployTarget.HELM:
            rows = helm.history(helm.release_of(name), namespace)
        else:
            kept = history.revisions(deployed_folder(name))
            rows = [
                (
                    str(revision.number),
                    revision.time,
                    "deployed" if revision is kept[-1] else "superseded",
                    ", ".join(revision.changes),
                )
                for revision in kept
            ]
        if output is Output.JSON:
            result_json([dict(zip(map(str.lower, _COLUMNS), row, strict=True)) for row in rows])
        else:
            result_table(_COLUMNS, rows)
