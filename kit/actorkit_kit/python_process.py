"""Python processes beside the kit: how they are started, and where they find the code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import actorkit
import actorkit_actors
import actorkit_kit


def command(module: str) -> list[str]:
    """The command that runs a module with this interpreter; the current folder is not on its path."""
    return [sys.executable, "-P", "-m", module]


def environ(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without its own `ACTORKIT_*`, with actorkit's packages on the path of modules."""
    ours = {str(Path(package.__path__[0]).parent) for package in (actorkit, actorkit_actors, actorkit_kit)}
    paths = sorted(path for path in ours if not path.endswith("-packages"))
    paths += [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path not in paths]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACTORKIT_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", **(extra or {})}
