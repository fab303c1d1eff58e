"""`kit push`: the images of a topology to registries."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from actorkit_kit.console import Output, note, result_json, result_table
from actorkit_kit.deploy.engine import connect
from actorkit_kit.image import push as pushing
from actorkit_kit.image.build import recipes
from actorkit_kit.image.progress import build_outdated
from actorkit_kit.load import load_plan
from actorkit_kit.verbs.options import IMAGES_TARGET, OutputOption, TopologyArgument


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def push(
        topology: TopologyArgument,
        registry: Annotated[
            list[str],
            typer.Option("--registry", metavar="HOST[/PATH]", help="Where images are pushed to. May be repeated."),
        ],
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Build what is missing, push every image of a topology to registries, and tell the digests there.

        The names of images begin with the registry then: orders/execute becomes registry.example.com/orders/execute.
        The digests are kept beside the topology, for `kit render --registry`. Log in first, with docker login.

        Example: kit push examples/orders/topology.yaml --registry registry.example.com
        """
        registries = [pushing.check_registry(one) for one in dict.fromkeys(registry)]
        plan = load_plan(topology, IMAGES_TARGET, network=False)
        with closing(connect()) as client:
            build_outdated(client, plan)
            done = pushing.push(client, plan, recipes(plan), registries, lambda name, _: note(f"kit: pushed {name}"))
        if output is Output.JSON:
            result_json([{"image": one.name, "digest": one.digest} for one in done])
        else:
            result_table(("IMAGE", "DIGEST"), [(one.name, one.digest) for one in done])
