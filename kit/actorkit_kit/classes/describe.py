"""`python -m actorkit_kit.classes.describe`: looks at users' code in a process of its own, JSON in and JSON out.

Users' modules may patch, print and start what they like: nothing of it reaches the kit. What they print goes to stderr.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from actorkit_kit.classes.actor_class import Description, Request, describe


class Order(msgspec.Struct, frozen=True):
    """What to look at: classes, or the object `director` of the Python file `program`.

    Users' modules are in `folder`, which comes last on the path of modules, as it does where an actor runs.
    """

    classes: tuple[Request, ...] = ()
    program: str = ""
    director: str = ""
    folder: str = ""


class Report(msgspec.Struct, frozen=True):
    """What was seen; `error` tells why there is no document."""

    descriptions: tuple[Description, ...] = ()
    document: dict[str, Any] | None = None
    base: str = ""
    error: str = ""


def main() -> None:
    """Answer one Order that stands on stdin with one Report on stdout."""
    answer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    if order.folder:
        sys.path.append(order.folder)
    report = _director(order) if order.program else Report(tuple(describe(request) for request in order.classes))
    with os.fdopen(answer, "wb") as stream:
        stream.write(msgspec.json.encode(report, enc_hook=str))


def _director(order: Order) -> Report:
    path = Path(order.program)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        return Report(error="it is not a Python file. Write it as app.py:director")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
        director = getattr(module, order.director, None)
        if director is None:
            return Report(error=f'it has no object "{order.director}"')
        if not callable(getattr(director, "document", None)):
            return Report(error=f'its "{order.director}" is not a Director: it has no document()')
        return Report(document=director.document(), base=str(getattr(director, "base", None) or path.parent))
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - the user's program may raise anything
        return Report(error=f"it cannot be run: {type(exc).__name__}: {' '.join(str(exc).split())}")


if __name__ == "__main__":
    main()
