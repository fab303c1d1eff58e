"""`kit scale`: more or fewer replicas of what is deployed."""

from __future__ import annotations

from typing import Annotated

import typer

from actorkit_kit.console import Output
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments import state_view
from actorkit_kit.deployments.deployment import check_actors
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.errors import UsageError
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
    def scale(
        amounts: Annotated[list[str], typer.Argument(metavar="ACTOR=N...", help="An actor and its replicas.")],
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest time until all are healthy.")
        ] = 120.0,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Change the number of replicas of actors, and wait until they are healthy.

        Nothing else is touched. An actor that publishes a port on Docker can have as many replicas as it has ports; one
        that an autoscaler scales keeps its number. The topology keeps its number: the next `kit deploy` goes back to
        it.

        Examples: kit scale execute=5; kit scale execute=5 worker=3 -d orders -n shop
        """
        numbers = dict(parse_amount(text) for text in amounts)
        with find(Wanted(name, target, Cluster(context, namespace)), changes=True) as deployment:
            check_actors(deployment, list(numbers))
            with state_view.show_status() as on_status:
                deployment.scale(numbers, timeout_s, on_status)
            state_view.write_state(deployment, deployment.state(), output)


def parse_amount(text: str) -> tuple[str, int]:
    """Read `execute=3`.

    Raises:
        UsageError: it is something else.
    """
    actor, sign, number = text.partition("=")
    if not (actor and sign and number.isdigit()):
        raise UsageError(f'"{text}" is not ACTOR=N. Write it as execute=3.')
    return actor, int(number)
