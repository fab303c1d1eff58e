"""`kit lock`: which base image and which packages the images of a topology are built from, by their digests."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from actorkit_kit.console import note, result
from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import KitError
from actorkit_kit.image import lock as locks
from actorkit_kit.image.resolve import make_lock
from actorkit_kit.load import load_plan
from actorkit_kit.verbs.options import IMAGES_TARGET, TopologyArgument


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def lock(
        topology: TopologyArgument,
        base: Annotated[
            str, typer.Option("--base", metavar="IMAGE", help="The image of Python that all others are layered on.")
        ] = locks.BASE,
    ) -> None:
        """Write kit.lock: the base image and all packages of a topology's images, pinned by their digests.

        pip finds the packages, in a container of the base image that the engine has. From then on `kit build` takes
        exactly these, and two builds of the same files give images with the same digest. What another version of
        something is, is told. Say it again when requirements change, or for newer packages.

        Example: kit lock examples/orders/topology.yaml
        """
        plan = load_plan(topology, IMAGES_TARGET, network=False)
        path = plan.base / locks.FILE
        try:
            before = locks.read(plan)
        except locks.ForeignLock:
            raise
        except KitError as exc:
            note(f"kit: {exc}")
            before = None
        with closing(connect()) as client:
            now = make_lock(client, plan, base)
        for line in locks.changes(before, now):
            result(line)
        try:
            path.write_text(now.text(), encoding="utf-8")
        except OSError as exc:
            raise KitError(f'"{path}" cannot be written: {exc.strerror}.') from exc
        packages = {package["name"] for image in now.images.values() for package in image.packages}
        note(f"kit: wrote {path}: {len(now.images)} images, {len(packages)} packages, Python {now.python}")
