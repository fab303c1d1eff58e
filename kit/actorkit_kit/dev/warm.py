"""`python -m actorkit_kit.dev.warm`: has imported the runtime, and becomes an actor when it is told which.

One line of JSON on standard input is the environment that the actor starts with. Its end means that none is needed.
"""

from __future__ import annotations

import json
import os
import sys

from gevent import monkey


def main() -> int:
    """Import what every actor needs, wait, and run the actor; returns the exit status."""
    monkey.patch_all()
    from actorkit import __main__ as program
    from actorkit.host import host
    from actorkit.process import actor, admin

    imported = (host, actor, admin)
    line = sys.stdin.readline()
    if not line or not imported:
        return 0
    os.environ.clear()
    os.environ.update(json.loads(line))
    return program.main()


if __name__ == "__main__":
    sys.exit(main())
