"""`kit keys`: the CURVE keys of a topology."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from actorkit.transport import topology_keys
from actorkit_kit.console import note
from actorkit_kit.errors import KitError


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def keys(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the pair is written; must not exist.")],
    ) -> None:
        """Make the CURVE keys of a topology.

        All instances of a topology share the pair: who has it gets events in, nobody else does. Name it in the
        topology: "keys: {secret: topology-keys}"; the secret's file is secrets/topology-keys beside the topology.

        Example: kit keys secrets/topology-keys
        """
        made = msgspec.json.format(msgspec.json.encode(topology_keys.generate()), indent=2)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as exc:
            raise KitError(f'"{file}" is there already. Remove it first if nothing uses its keys any more.') from exc
        except OSError as exc:
            raise KitError(f'"{file}" cannot be written: {exc.strerror}. Choose another place.') from exc
        with os.fdopen(number, "wb") as out:
            out.write(made + b"\n")
        note(f"wrote {file}")
