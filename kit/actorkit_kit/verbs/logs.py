"""`kit logs`: what the instances of a deployment write."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from actorkit_kit.console import Output, result
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.deployment import check_actors
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.verbs.options import ContextOption, DeploymentOption, NamespaceOption, WhereOption


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def logs(
        actors: Annotated[list[str] | None, typer.Argument(metavar="[ACTOR]...", help="Actors; all without.")] = None,
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until ^C.")] = False,
        tail: Annotated[int, typer.Option("--tail", min=0, help="Lines of each instance to begin with.")] = 100,
        output: Annotated[
            Output | None,
            typer.Option("--output", "-o", help="How lines are written; else text on a terminal, json in a pipe."),
        ] = None,
    ) -> None:
        """Write the logs of a deployment: those of all instances, in the order of time.

        On a terminal a line is time, instance, level and message. In a pipe it is a line of JSON, as the instance wrote
        it, with the name of its instance as `container`; what is not JSON becomes a message.

        Examples: kit logs web auth -f; kit logs -d orders -n shop
        """
        chosen = output or (Output.TEXT if sys.stdout.isatty() else Output.JSON)
        with find(Wanted(name, target, Cluster(context, namespace))) as deployment:
            check_actors(deployment, actors or [])
            width = 0
            for line in deployment.logs(actors or [], tail, follow=follow):
                width = max(width, len(line.instance))
                for text in line.for_people(width) if chosen is Output.TEXT else (line.for_machines(),):
                    result(text)
                if follow:
                    sys.stdout.flush()
