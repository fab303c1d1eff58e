"""The console of a deployment on a Docker Engine: a service of its compose file, behind a profile."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from actorkit_kit.deploy import engine, preconditions
from actorkit_kit.errors import KitError
from actorkit_kit.render.console import NAME, PORT

#: The variable of compose with its port on this machine.
PORT_VARIABLE: Final = "CONSOLE_PORT"
_PROFILE: Final = ("--profile", NAME)


def bring_up(topology: str, folder: Path) -> str:
    """Start the console where it does not run, or was made for another plan; its URL.

    Raises:
        KitError: compose could not.
    """
    settings = {**preconditions.read_settings(folder / ".env"), **os.environ}
    variables = {} if settings.get(PORT_VARIABLE) else {PORT_VARIABLE: _choose_port(topology, folder)}
    up = (*_PROFILE, "up", "--detach", "--wait", "--no-deps", "--no-build", "--quiet-pull", NAME)
    engine.run_compose(up, project=topology, folder=folder, variables=variables)
    return f"http://{_address(topology, folder)}"


def _choose_port(topology: str, folder: Path) -> str:
    """The port that it has, else the usual one, else one that is free."""
    with suppress(KitError):
        return _address(topology, folder).rpartition(":")[2]
    return str(preconditions.free_port(PORT))


def _address(topology: str, folder: Path) -> str:
    """Where it is reached on this machine.

    Raises:
        KitError: it does not run.
    """
    return engine.run_compose((*_PROFILE, "port", NAME, str(PORT)), project=topology, folder=folder).strip()
