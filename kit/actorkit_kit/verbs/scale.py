"""`kit scale`: more or fewer replicas of what is deployed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.console import Output
from actorkit_kit.deploy import compose, deployment, lock, state_view
from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import UsageError
from actorkit_kit.verbs.options import DeploymentOption, OutputOption, find_meant


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def scale(
        amounts: Annotated[list[str], typer.Argument(metavar="ACTOR=N...", help="An actor and its replicas.")],
        name: DeploymentOption = "",
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest time until all are healthy.")
        ] = 120.0,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Change the number of replicas of actors, and wait until they are healthy.

        Nothing else is touched. An actor that publishes a port can have as many replicas as it has ports. The topology
        keeps its number: the next `kit deploy` goes back to it.

        Example: kit scale execute=5
        """
        wanted = dict(parse_amount(text) for text in amounts)
        with closing(connect()) as client:
            topology, found = find_meant(client, name)
            there = {replica.actor for replica in found}
            for actor in wanted:
                if actor not in there:
                    raise UsageError(f'"{topology}" has no actor "{actor}". It has: {", ".join(sorted(there))}.')
            with lock.hold(Path(found[0].folder), "scale"), state_view.show_status() as on_status:
                compose.scale(client, topology, wanted, on_status, timeout_s)
            rows = deployment.actor_statuses(deployment.find_replicas(client, topology))
        state_view.write_status(rows, output, topology)


def parse_amount(text: str) -> tuple[str, int]:
    """Read `execute=3`.

    Raises:
        UsageError: it is something else.
    """
    actor, sign, number = text.partition("=")
    if not (actor and sign and number.isdigit()):
        raise UsageError(f'"{text}" is not ACTOR=N. Write it as execute=3.')
    return actor, int(number)
