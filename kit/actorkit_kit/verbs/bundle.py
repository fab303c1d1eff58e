"""`kit bundle`: a topology for a cluster without a way out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from actorkit_kit.console import note
from actorkit_kit.deploy.bundle import pack
from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import UsageError
from actorkit_kit.files import is_folder
from actorkit_kit.image.progress import build_outdated
from actorkit_kit.load import load_plan
from actorkit_kit.verbs.options import TopologyArgument


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def bundle(
        topology: TopologyArgument,
        file: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The tar file that is written.")],
        with_secrets: Annotated[
            bool, typer.Option("--with-secrets", help="Put the secrets in, too; only you may read the file then.")
        ] = False,
    ) -> None:
        """Write images, chart, bills of materials, sums and an installer into one file.

        It is for a Kubernetes cluster that reaches no registry: carry the file there, unpack it, and run ./install,
        which needs helm and tells how the images come to the nodes. Images that are missing are built first. Secrets
        stay out: ./install --secrets DIR takes them from a folder.

        Example: kit bundle examples/orders/topology.yaml -o orders.tar
        """
        if is_folder(file) or not is_folder(file.absolute().parent):
            raise UsageError(f'-o: "{file}" cannot be a file. Name one in a folder that is there: -o orders.tar')
        plan = load_plan(topology, "helm")
        with closing(connect()) as client:
            build_outdated(client, plan)
            images = pack(client, plan, file, with_secrets=with_secrets)
        note(f"wrote {file}: {len(images)} images, {file.stat().st_size / 1e6:.0f} MB")
