"""`kit logs`: what the instances of a deployment write."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from actorkit_kit.console import Output, result
from actorkit_kit.deploy import deployment
from actorkit_kit.deploy.engine import compose, connect
from actorkit_kit.deploy.log_lines import LogLine, read_lines
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.output import last_line
from actorkit_kit.verbs.options import DeploymentOption, name_of


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def logs(
        actors: Annotated[list[str] | None, typer.Argument(metavar="[ACTOR]...", help="Actors; all without.")] = None,
        name: DeploymentOption = "",
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until ^C.")] = False,
        tail: Annotated[int, typer.Option("--tail", min=0, help="Lines of each instance to begin with.")] = 100,
        output: Annotated[
            Output | None,
            typer.Option("--output", "-o", help="How lines are written; else text on a terminal, json in a pipe."),
        ] = None,
    ) -> None:
        """Write the logs of a deployment: those of all instances, in the order of time.

        On a terminal a line is time, instance, level and message. In a pipe it is a line of JSON, as the instance wrote
        it, with the name of its container; what is not JSON becomes a message.

        Example: kit logs web auth -f
        """
        with closing(connect()) as client:
            topology = name_of(name) if name else deployment.find_only(client)
            there = {replica.actor for replica in deployment.find_replicas(client, topology)}
        for actor in actors or ():
            if actor not in there:
                raise UsageError(f'"{topology}" has no actor "{actor}". It has: {", ".join(sorted(there))}.')
        chosen = output or (Output.TEXT if sys.stdout.isatty() else Output.JSON)
        for line, width in _lines(topology, actors or [], tail, follow):
            for text in line.for_people(width) if chosen is Output.TEXT else (line.for_machines(),):
                result(text)
            if follow:
                sys.stdout.flush()


def _lines(topology: str, actors: list[str], tail: int, follow: bool) -> Iterator[tuple[LogLine, int]]:
    """The lines in the order of time, and then what comes, each with the width of names so far."""
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    before = sorted(_run(topology, [f"--tail={tail}", *actors]))
    width = max((len(line.instance) for line in before), default=0)
    yield from ((line, width) for line in before)
    if follow:
        # What came meanwhile is asked for again, so that no line falls between the two.
        seen = set(before)
        for line in _run(topology, ["--follow", f"--since={before[-1].time if before else since}", *actors]):
            width = max(width, len(line.instance))
            if line not in seen:
                yield line, width


def _run(topology: str, arguments: list[str]) -> Iterator[LogLine]:
    """Run compose to its end, or to ^C.

    Raises:
        KitError: it failed.
    """
    pipe = subprocess.PIPE
    options = ["logs", "--timestamps", "--no-color", *arguments]
    process = compose(options, project=topology, stdout=pipe, stderr=subprocess.STDOUT)
    said: list[str] = []
    try:
        for written in process.stdout or ():
            found = False
            for line in read_lines([written]):
                found = True
                yield line
            if not found:
                said.append(written)
        if process.wait():
            raise KitError(f"docker compose logs failed: {last_line(said)}")
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
