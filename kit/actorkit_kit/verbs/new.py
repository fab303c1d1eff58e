"""`kit new`: a topology, an actor or a copy of an example to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from actorkit_kit.console import note, result
from actorkit_kit.errors import UsageError
from actorkit_kit.scaffold import templates
from actorkit_kit.scaffold.actor import new_actor
from actorkit_kit.scaffold.project import copy_example, examples, new_topology
from actorkit_kit.topology.load import DEFAULT_FILE

#: What a shell says to the actor of the template.
_ASK: Final = """curl --json '{"name": "Ada"}' http://127.0.0.1:8080/greet"""
#: The word before the name of an actor.
_ACTOR: Final = "actor"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def new(
        what: Annotated[
            list[str] | None,
            typer.Argument(metavar="FOLDER | actor NAME", help="A new folder for a topology, or a name for an actor."),
        ] = None,
        takes: Annotated[
            str,
            typer.Option(
                metavar="KIND",
                help="What the actor takes: any, form, http, json or xml.",
                autocompletion=templates.actor_kinds,
            ),
        ] = "json",
        after: Annotated[
            str, typer.Option(metavar="BOX", help="The actor, or its outbox, whose events go through the new one.")
        ] = "",
        topology: Annotated[
            str, typer.Option("--topology", "-f", metavar="TOPOLOGY", help="The topology that gets the actor.")
        ] = DEFAULT_FILE,
        example: Annotated[
            str, typer.Option(metavar="NAME", help="Copy an example of actorkit.", autocompletion=examples)
        ] = "",
    ) -> None:
        """Write a topology with an actor and its test, one more actor, or a copy of an example.

        What is there stays: a folder that is not empty, and files, are never written over. In a topology that gets an
        actor a few lines change; comments stay.

        Examples: kit new shop, kit new actor place --takes xml --after auth, kit new --example orders
        """
        given = what or []
        if given[:1] == [_ACTOR]:
            _tell_actor(_only(given[1:], "Name the actor: kit new actor place."), takes, after, topology)
        elif example:
            _tell_files(copy_example(example, Path(_only([*given, example][:1], ""))))
        else:
            folder = Path(_only(given, "Name the folder: kit new shop."))
            _tell_files(new_topology(folder))
            note(f"kit: run it: kit dev {folder}, and in another terminal:")
            note(f"     {_ASK}")


def _only(given: Sequence[str], todo: str) -> str:
    if len(given) != 1:
        raise UsageError(f"one name is needed, and {len(given)} are given. {todo}")
    return given[0]


def _tell_files(files: Sequence[Path]) -> None:
    for file in files:
        result(f"wrote {file}")


def _tell_actor(name: str, takes: str, after: str, topology: str) -> None:
    made = new_actor(name, takes, after, topology)
    _tell_files(made.files)
    result(f"changed {made.topology}")
    for finding in made.findings:
        note(str(finding))
