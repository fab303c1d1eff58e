"""`kit status`: how what runs is."""

from __future__ import annotations

import typer

from actorkit_kit.console import Output, result, result_json
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments import state_view
from actorkit_kit.deployments.find import Wanted, find, find_all
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
    def status(
        name: DeploymentArgument = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Show the actors of what runs, or of all that runs: replicas, health, published URLs, work that waits.

        What kit run runs, what is deployed on Docker, and releases in the namespace of the cluster are shown together.

        WAITING is how many events an actor has before it, told by those that send to it; a line for each service says
        how many requests its brokers have.

        A line for each instance that is not well says why: which peer is missing and since when, which event it hangs
        at, how it ended, which image cannot be pulled. Its name is the one that it has in logs, metrics and dead
        letters. Exit status 0 when all are healthy, 1 otherwise.

        Examples: kit status; kit status orders; kit status -n shop
        """
        wanted = Wanted(name, target, Cluster(context, namespace))
        if name:
            with find(wanted) as deployment:
                shown = [(deployment, deployment.state())]
        else:
            with find_all(wanted) as found:
                shown = [(deployment, deployment.state()) for deployment in found]
        if not shown and output is Output.TEXT:
            result("nothing is deployed, and kit run runs nothing")
        if not shown and output is Output.JSON:
            result_json([])
        for deployment, state in shown:
            if len(shown) > 1 and output is Output.TEXT:
                result(f"{deployment.name} ({deployment.where}):")
            state_view.write_state(deployment, state, output)
        if not all(state.healthy for _, state in shown):
            raise typer.Exit(1)
