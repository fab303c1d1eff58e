"""`kit try`: one actor, one event."""

from __future__ import annotations

import subprocess
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from actorkit.errors import EX_CONFIG
from actorkit.event import body
from actorkit_kit import python_process
from actorkit_kit.classes import known
from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.console import Output, note
from actorkit_kit.errors import UsageError
from actorkit_kit.tryout.arguments import read_values, texts_of
from actorkit_kit.tryout.request import TryRequest
from actorkit_kit.verbs.options import BrokerOption, OutputOption, find_class

#: The outbox that stands for all that a topology would connect.
_OUT: Final = "out"


class Format(StrEnum):
    """What the data is."""

    BYTES = "bytes"
    TEXT = "text"
    JSON = "json"
    XML = "xml"
    FORM = "form"


_LETTERS: Final = {
    Format.BYTES: body.BYTES,
    Format.TEXT: body.TEXT,
    Format.JSON: body.JSON,
    Format.XML: body.XML,
    Format.FORM: body.FORM,
}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command("try")
    def try_(
        actor: Annotated[
            str,
            typer.Argument(
                metavar="ACTOR",
                help="A name from the catalogue, or package.module:Class.",
                autocompletion=known.names,
            ),
        ],
        params: Annotated[
            list[str] | None,
            typer.Argument(metavar="NAME=VALUE", help="Parameters as in a topology; NAME=@FILE for a file."),
        ] = None,
        format_: Annotated[
            Format | None, typer.Option("--as", help="What the data is; else text, or bytes where it is none.")
        ] = None,
        attributes: Annotated[
            list[str] | None,
            typer.Option("--attribute", "-a", metavar="NAME=VALUE", help="An attribute of the event. May be repeated."),
        ] = None,
        service: Annotated[str, typer.Option(metavar="NAME", help="The event's service.")] = "",
        http: Annotated[
            str, typer.Option(metavar="'METHOD PATH'", help="The event came over HTTP, as 'POST /orders?a=1'.")
        ] = "",
        connected: Annotated[
            list[str] | None,
            typer.Option("--connect", metavar="OUTBOX", help="One more outbox that is connected. May be repeated."),
        ] = None,
        only: Annotated[
            list[str] | None,
            typer.Option("--only", metavar="OUTBOX", help="Write what goes there and nothing else. May be repeated."),
        ] = None,
        count: Annotated[int, typer.Option("--count", "-n", min=1, help="Events that are wanted of a source.")] = 1,
        build: Annotated[
            Path, typer.Option(help="The folder with the code of package.module:Class.", file_okay=False)
        ] = Path(),
        broker: BrokerOption = None,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Give the data on standard input to one actor, and write what it sends.

        Nothing else runs: no topology, no socket, no container. The bodies go to stdout, so that several can be put one
        behind the other with a pipe; the names of the outboxes, attributes and failures go to stderr. With -o json
        each event is a line of JSON. Exit status 0, or 1 when the event failed.

        Example: kit try xslt stylesheet=@submit.xsl < order.xml
        """
        found = find_class(actor, build)
        _check_takes(found, actor)
        request = TryRequest(
            class_path=found.class_path,
            folder=str(build.resolve()),
            params=read_values(params or (), texts_of(found.parameters)),
            outboxes=tuple(dict.fromkeys((_OUT, *found.outboxes, *(connected or ())))),
            shown=tuple(only or ()),
            format=_LETTERS[format_] if format_ else "",
            attributes=read_values(attributes or ()),
            service=service,
            http=_method_and_path(http),
            brokers=tuple(broker or ()),
            count=count,
            as_json=output is Output.JSON,
        )
        raise typer.Exit(_run(request))


def _check_takes(found: ActorClass, actor: str) -> None:
    """See that the actor takes events or makes them.

    Raises:
        UsageError: it does neither by itself: it waits for strangers.
    """
    if found.serves or (found.listens and not found.produces):
        raise UsageError(f'"{actor}" does nothing without clients of its own. Run it in a topology: kit run.')


def _method_and_path(text: str) -> tuple[str, str] | None:
    method, _, path = text.partition(" ")
    if text and not path.startswith("/"):
        raise UsageError(f"""--http: "{text}" is no method and path. Write it as --http 'POST /orders'.""")
    return (method.upper(), path) if text else None


def _run(request: TryRequest) -> int:
    """Try it in a process of its own, which has this one's input and output; the exit status."""
    command = [*python_process.command("actorkit_kit.tryout.process"), msgspec.json.encode(request).decode()]
    status = subprocess.run(command, env=python_process.environ(), check=False).returncode
    if status == EX_CONFIG:
        return 2
    if status < 0:
        note(f"kit: the actor ended the process by signal {-status}")
        return 1
    return status
