"""`kit render`: a folder that runs without kit."""

from __future__ import annotations

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit import rendered
from actorkit_kit.console import note
from actorkit_kit.load import load_plan


class Target(StrEnum):
    """What can be rendered. Each is a module of `actorkit_kit.targets` with `render(plan)` and `PRIVATE`."""

    COMPOSE = "compose"
    HELM = "helm"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def render(
        target: Annotated[Target, typer.Argument(help="What is written: a Compose folder or a Helm chart.")],
        topology: Annotated[str, typer.Argument(metavar="TOPOLOGY", help="A topology file, or app.py:director.")],
        folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where it is written.")],
    ) -> None:
        """Write a folder for docker compose or helm, which runs without kit.

        The same topology gives the same bytes. Files that kit does not write stay as they are.

        Examples: kit render compose topology.yaml -o deploy; kit render helm topology.yaml -o chart
        """
        module = importlib.import_module(f"actorkit_kit.targets.{target.value}")
        plan = load_plan(topology)
        changed = rendered.write(folder, module.render(plan), getattr(module, "PRIVATE", ()))
        note(f"wrote {len(changed)} files to {folder}" if changed else f"{folder} was up to date")
