"""`kit test`: the tests of a topology."""

from __future__ import annotations

import subprocess
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from actorkit_kit import python_process
from actorkit_kit.errors import UsageError
from actorkit_kit.files import is_folder
from actorkit_kit.testing.suite import has_tests, suites_of
from actorkit_kit.topology.load import DEFAULT_FILE, load_document
from actorkit_kit.verbs.options import TopologyArgument

_PLUGIN: Final = "actorkit_kit.testing.plugin"
#: Exit status of pytest where no test was found.
_NO_TESTS: Final = 5


class Depth(StrEnum):
    """How much of the graph there is."""

    ACTOR = "actor"
    GRAPH = "graph"
    CHAOS = "chaos"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def test(
        topology: TopologyArgument,
        depth: Annotated[
            Depth,
            typer.Option(
                help="actor: each actor alone, without sockets; graph: with them; chaos: with kills in between."
            ),
        ] = Depth.GRAPH,
        only: Annotated[str, typer.Option("-k", metavar="WORDS", help="Only tests whose names hold them.")] = "",
        update: Annotated[bool, typer.Option("--update", help="Write the golden answers anew.")] = False,
        junit: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit's XML.", dir_okay=False)
        ] = None,
        first: Annotated[bool, typer.Option("-x", help="Stop at the first that fails.")] = False,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name each test.")] = False,
    ) -> None:
        """Run the tests of a topology: its section tests, and the files *_test.yaml beside it and below.

        A test puts events into the graph, and says what has to come of them. pytest runs them, and finds them by itself
        as well. With --depth actor each actor is alone, and events are carried from one to the next; with graph sockets
        connect them, in one process; with chaos each instance is a process, and is killed while events are under way.
        Ports that the topology publishes are not needed. Exit status 1 when one fails.

        Example: kit test examples/orders/topology.yaml
        """
        files = _files(topology)
        options = [f"--kit-depth={depth}"]
        options += ["-k", only] if only else []
        options += ["--kit-update"] if update else []
        options += [f"--junitxml={junit}"] if junit is not None else []
        options += ["-x"] if first else []
        options += ["-v"] if verbose else ["-q"]
        command = [*python_process.command("pytest"), "-p", _PLUGIN, *options, *files]
        status = subprocess.run(command, env=python_process.environ(), check=False).returncode
        if status == _NO_TESTS:
            raise UsageError(f'"{topology}" has no such tests. Write them under tests:, or into a file *_test.yaml.')
        raise typer.Exit(min(status, 2))


def _files(reference: str) -> list[str]:
    """The files with tests of a topology.

    Raises:
        UsageError: there is no such topology, or it has no tests.
    """
    load_document(reference)
    path = Path(reference.partition(":")[0])
    path = path / DEFAULT_FILE if is_folder(path) else path
    if path.stem.endswith("_test"):
        return [str(path)]
    found = ([path] if path.suffix != ".py" and has_tests(path) else []) + suites_of(path)
    if not found:
        raise UsageError(f'"{path}" has no tests. Write them under tests:, or into a file *_test.yaml beside it.')
    return [str(one) for one in found]
