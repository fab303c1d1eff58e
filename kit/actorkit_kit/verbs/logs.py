"""`kit logs`: what the instances of a deployment write."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from actorkit_kit import deployment
from actorkit_kit.console import colour
from actorkit_kit.engine import compose, connect
from actorkit_kit.errors import UsageError
from actorkit_kit.verbs.named import DeploymentOption, name_of


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def logs(
        actors: Annotated[list[str] | None, typer.Argument(metavar="[ACTOR]...", help="Actors; all without.")] = None,
        name: DeploymentOption = "",
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until ^C.")] = False,
        tail: Annotated[int, typer.Option("--tail", min=0, help="Lines of each instance to begin with.")] = 100,
    ) -> None:
        """Write the logs of a deployment, each line after the name of its instance.

        Example: kit logs web auth -f
        """
        with closing(connect()) as client:
            topology = name_of(name) if name else deployment.only(client)
            there = {replica.actor for replica in deployment.existing(client, topology)}
        for actor in actors or ():
            if actor not in there:
                raise UsageError(f'"{topology}" has no actor "{actor}". It has: {", ".join(sorted(there))}.')
        plain = [] if colour() else ["--ansi=never"]
        arguments = [*plain, "logs", f"--tail={tail}", *(["--follow"] if follow else []), *(actors or ())]
        process = compose(arguments, project=topology)
        try:
            status = process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
        raise typer.Exit(status)
