"""`kit render`: a folder that runs without kit."""

from __future__ import annotations

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.console import note
from actorkit_kit.errors import UsageError
from actorkit_kit.image.build import identify
from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import folder as rendered_folder
from actorkit_kit.verbs.options import TopologyArgument
from actorkit_kit.verbs.registry import named_in_registry

#: Files by which a folder that was rendered before is known.
LANDMARKS = ("compose.yaml", "Chart.yaml")


class Target(StrEnum):
    """What can be rendered. Each is a module of `actorkit_kit.render` with `render(plan)` and `PRIVATE`."""

    COMPOSE = "compose"
    HELM = "helm"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def render(
        target: Annotated[Target, typer.Argument(help="What is written: a Compose folder or a Helm chart.")],
        topology: TopologyArgument,
        folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where it is written.")],
        registry: Annotated[
            str, typer.Option("--registry", metavar="HOST[/PATH]", help="Where the images are: what kit push was told.")
        ] = "",
    ) -> None:
        """Write a folder for docker compose or helm, which runs without kit.

        The same topology gives the same bytes. A folder that was rendered before is brought up to date: what kit wrote
        and no longer writes goes, a .env or an override of your own stays. With --registry images are named by their
        digests there, as far as `kit push` has pushed them from here.

        Examples: kit render compose topology.yaml -o deploy; kit render helm topology.yaml -o chart
        """
        module = importlib.import_module(f"actorkit_kit.render.{target.value}")
        plan = named_in_registry(identify(load_plan(topology, target.value)), registry)
        _check(folder, plan)
        rendered_folder.write(module.render(plan), folder, getattr(module, "PRIVATE", ()))
        note(f"wrote {folder}")


def _check(folder: Path, plan: Plan) -> None:
    """See that the folder is one to render into: what stands in it may be deleted.

    Raises:
        UsageError: it holds something else, or cannot be looked into.
    """
    try:
        _look_into(folder, plan)
    except OSError as exc:
        raise UsageError(f'"{folder}" cannot be looked into: {exc.strerror}. Choose another folder.') from exc


def _look_into(folder: Path, plan: Plan) -> None:
    if plan.base.is_relative_to(folder.resolve()):
        raise UsageError(f'"{folder}" is the folder of the topology. Choose a folder of its own: -o {folder}/rendered.')
    if folder.is_dir() and any(folder.iterdir()) and not any((folder / name).is_file() for name in LANDMARKS):
        raise UsageError(f'"{folder}" holds something that kit did not write. Choose an empty folder.')
