"""`kit graph`: a picture of a topology."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.console import write_result
from actorkit_kit.load import load_plan
from actorkit_kit.plan.drawing import FORMATS
from actorkit_kit.target import Target
from actorkit_kit.verbs.options import TopologyArgument


class Format(StrEnum):
    """What a picture is written as."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def graph(
        topology: TopologyArgument,
        format_: Annotated[
            Format | None, typer.Option("--format", "-f", help="What is written; else by the name of the file.")
        ] = None,
        file: Annotated[
            Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it is written; else to stdout.")
        ] = None,
        target: Annotated[
            Target, typer.Option("--target", "-t", help="The target whose values it has, where they differ.")
        ] = Target.COMPOSE,
    ) -> None:
        """Draw a topology as Mermaid, DOT or SVG.

        Example: kit graph examples/orders/topology.yaml -o orders.svg
        """
        by_name = {".svg": Format.SVG, ".dot": Format.DOT, ".gv": Format.DOT}
        chosen = format_ or by_name.get(file.suffix if file else "", Format.MERMAID)
        write_result(FORMATS[chosen](load_plan(topology, target.value, network=False)), file)
