"""`kit build`: the images of a topology."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from actorkit_kit.console import Output, note, result_json, result_table
from actorkit_kit.deploy.engine import connect
from actorkit_kit.image.build import recipes
from actorkit_kit.image.progress import build_outdated
from actorkit_kit.load import load_plan
from actorkit_kit.verbs.options import IMAGES_TARGET, OutputOption, TopologyArgument


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def build(
        topology: TopologyArgument,
        every: Annotated[bool, typer.Option("--all", help="Build images too that are up to date.")] = False,
        no_cache: Annotated[bool, typer.Option("--no-cache", help="Do not use layers of earlier builds.")] = False,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Write all that the builder says.")] = False,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Build the images of a topology on the Docker Engine.

        Only what is missing, or was made from other files, is built. The code of an actor with `build:` is layered on
        the runtime's image, with what its requirements.txt names. The tag of an image follows from its content, so no
        tag ever comes to mean something else. What is in each image is written below .kit beside the topology, as
        CycloneDX.

        Example: kit build examples/orders/topology.yaml
        """
        plan = load_plan(topology, IMAGES_TARGET, network=False)
        with closing(connect()) as client:
            built = {
                recipe.tag for recipe in build_outdated(client, plan, every=every, no_cache=no_cache, verbose=verbose)
            }
            rows = []
            for recipe in recipes(plan):
                size_mb = client.images.get(recipe.tag).attrs["Size"] / 1e6
                rows.append((recipe.tag, "built" if recipe.tag in built else "up to date", f"{size_mb:.0f} MB"))
        if output is Output.JSON:
            result_json([{"image": tag, "state": state, "size": size} for tag, state, size in rows])
        else:
            result_table(("IMAGE", "STATE", "SIZE"), rows)
        note(f"kit: {len(built)} of {len(rows)} images built")
