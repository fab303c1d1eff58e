"""`kit actors`: the catalogue, and everything about one actor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from actorkit.params import Parameter
from actorkit_actors.catalogue import Entry
from actorkit_kit.classes import known
from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.console import Output, note, result, result_json, result_table
from actorkit_kit.verbs.options import OutputOption, find_class


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def actors(
        name: Annotated[
            str | None,
            typer.Argument(
                metavar="NAME",
                help="A name from the catalogue, or package.module:Class.",
                autocompletion=known.names,
            ),
        ] = None,
        build: Annotated[
            Path | None, typer.Option(help="The folder with the code of package.module:Class.", file_okay=False)
        ] = None,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """List the actors that come with actorkit and with installed packages, or tell everything about one.

        Examples: kit actors, kit actors xslt, kit actors shop.actors:PlaceOrder --build examples/orders/shop
        """
        if name is None:
            _list(output)
        else:
            _tell(find_class(name, build or Path()), name, output)


def _list(output: Output) -> None:
    entries = known.entries().values()
    if output is Output.JSON:
        result_json([_in_list(entry) for entry in entries])
    elif any(entry.package for entry in entries):
        rows = ((entry.name, _package(entry), entry.summary) for entry in entries)
        result_table(("ACTOR", "PACKAGE", "WHAT IT DOES"), rows)
    else:
        result_table(("ACTOR", "WHAT IT DOES"), ((entry.name, entry.summary) for entry in entries))
    for name in known.names():
        if known.collision(name):
            note(known.collision(name))


def _in_list(entry: Entry) -> dict[str, str]:
    found = {"name": entry.name, "class": entry.class_path, "summary": entry.summary}
    return found | ({"package": entry.package, "version": entry.version} if entry.package else {})


def _package(entry: Entry) -> str:
    return f"{entry.package} {entry.version}".strip()


def _tell(found: ActorClass, name: str, output: Output) -> None:
    if output is Output.JSON:
        result_json({"name": name, **_as_json(found)})
        return
    result(f"{name} ({found.class_path})\n")
    result(found.doc + "\n")
    for line in _traits(found):
        result(line)
    result("")
    result_table(("PARAMETER", "TYPE", "UNIT", "DEFAULT", "MEANING"), (_row(each) for each in found.parameters))


def _as_json(found: ActorClass) -> dict[str, Any]:
    parameters = [
        {"name": p.name, "type": p.type, "unit": p.unit, "default": p.default, "meaning": p.description}
        | {"required": p.required, "secret": p.secret, "file": p.file}
        for p in found.parameters
    ]
    return {"class": found.class_path, "doc": found.doc, "listens": found.listens, "parameters": parameters}


def _traits(found: ActorClass) -> list[str]:
    traits = [f"takes: {found.input if found.consumes else 'no events'}"]
    traits += ["source: events begin here"] if found.produces else []
    where = f", with {found.uses_broker}" if isinstance(found.uses_broker, str) else ""
    traits += [f"broker: needs one in the topology{where}"] if found.uses_broker else []
    traits += [f"outboxes: {', '.join(found.outboxes)}"] if found.outboxes else []
    ports = ", ".join(f"{port} (parameter {name})" for name, port in found.listens.items())
    return traits + ([f"listens: {ports}"] if ports else [])


def _row(parameter: Parameter) -> tuple[str, ...]:
    kinds = " (secret)" if parameter.secret else " (file)" if parameter.file else ""
    default = "required" if parameter.default is None else parameter.default
    return parameter.name, parameter.type + kinds, parameter.unit, default, parameter.description
