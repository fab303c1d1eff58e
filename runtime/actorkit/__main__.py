"""`python -m actorkit`: runs what the environment describes."""

from __future__ import annotations

import importlib
import sys

from actorkit import settings
from actorkit.errors import EX_CONFIG, SettingsError

#: Classes that bring their own main function, as they do not live in gevent's loop; all others are actors.
MAINS = {
    "actorkit.mdp.broker:Broker": "actorkit.process.server",
    "actorkit.mdp.directory:RegistrationService": "actorkit.process.server",
    "actorkit.process.tally:Tally": "actorkit.process.tally",
}


def main() -> int:
    """Run one process; returns its exit status."""
    try:
        read = settings.read()
        module = importlib.import_module(MAINS.get(read.class_path, "actorkit.process.actor"))
        status: int = module.main(read)
    except SettingsError as exc:
        print(f"actorkit: {exc}", file=sys.stderr)  # noqa: T201  # logs are not set up yet
        return EX_CONFIG
    return status


if __name__ == "__main__":
    sys.exit(main())
