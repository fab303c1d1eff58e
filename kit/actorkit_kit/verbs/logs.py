"""`kit logs`: what the instances of a deployment write."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import Annotated, Final

import typer

from actorkit_kit.console import result
from actorkit_kit.deploy import deployment
from actorkit_kit.deploy.engine import compose, connect
from actorkit_kit.errors import UsageError
from actorkit_kit.verbs.options import DeploymentOption, name_of

#: What compose writes before each line to clear it, also when it does not write to a terminal (ECMA-48 EL).
CLEAR_LINE: Final = "\x1b[2K"


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
            topology = name_of(name) if name else deployment.find_only(client)
            there = {replica.actor for replica in deployment.find_replicas(client, topology)}
        for actor in actors or ():
            if actor not in there:
                raise UsageError(f'"{topology}" has no actor "{actor}". It has: {", ".join(sorted(there))}.')
        arguments = ["logs", f"--tail={tail}", *(["--follow"] if follow else []), *(actors or ())]
        raise typer.Exit(_show(arguments, topology))


def _show(arguments: list[str], topology: str) -> int:
    """Run compose to its end, or to ^C; its exit status."""
    pipe = None if sys.stdout.isatty() else subprocess.PIPE
    process = compose(arguments, project=topology, stdout=pipe)
    try:
        for line in process.stdout or ():
            result(line.removeprefix(CLEAR_LINE).rstrip("\n"))
            sys.stdout.flush()
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
