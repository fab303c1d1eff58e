"""`python -m actorkit`: runs what the environment describes."""

from __future__ import annotations

import importlib
import os
import signal
import sys

from actorkit import settings
from actorkit.errors import EX_CONFIG, SettingsError

#: Classes that bring their own main function, as they do not live in gevent's loop; all others are actors.
MAINS = {
    "actorkit.mdp.broker:Broker": "actorkit.process.server",
    "actorkit.mdp.directory:RegistrationService": "actorkit.process.server",
    "actorkit.process.tally:Tally": "actorkit.process.tally",
    "actorkit.process.console:Console": "actorkit.process.console",
}


def main() -> int:
    """Run one process; returns its exit status."""
    # Nothing is begun while modules are imported. Without a handler a process that is number 1 of its container would
    # not even notice the signal, and be waited for in vain.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
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
