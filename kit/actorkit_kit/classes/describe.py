"""`python -m actorkit_kit.classes.describe`: looks at users' code in a process of its own, JSON in and JSON out.

Users' modules may patch, print and start what they like: nothing of it reaches the kit. What they print goes to stderr.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from actorkit_kit.classes.actor_class import ClassReply, ClassRequest, describe
from actorkit_kit.classes.plain_document import Location, PlainDocument
from actorkit_kit.files import is_folder


class InspectRequest(msgspec.Struct, frozen=True):
    """What to look at: classes, or the object `director` of the Python file `program`.

    Users' modules are in `folder`, which comes last on the path of modules, as it does where an actor runs.
    """

    classes: tuple[ClassRequest, ...] = ()
    program: str = ""
    director: str = ""
    folder: str = ""


class InspectReply(msgspec.Struct, frozen=True):
    """What was seen; `error` tells why there is no document, `mistakes` which values in it no topology can hold."""

    descriptions: tuple[ClassReply, ...] = ()
    document: dict[str, Any] | None = None
    mistakes: tuple[tuple[Location, str], ...] = ()
    base: str = ""
    error: str = ""


def main() -> None:
    """Answer one InspectRequest that stands on stdin with one InspectReply on stdout."""
    answer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=InspectRequest)
    if request.folder:
        sys.path.append(request.folder)
    reply = (
        _director(request) if request.program else InspectReply(tuple(describe(request) for request in request.classes))
    )
    with os.fdopen(answer, "wb") as stream:
        stream.write(msgspec.json.encode(reply))


def _director(request: InspectRequest) -> InspectReply:
    path = Path(request.program)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        return InspectReply(error="it is not a Python file. Write it as app.py:director")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
        director = getattr(module, request.director, None)
        if director is None:
            return InspectReply(error=f'it has no object "{request.director}"')
        if not callable(getattr(director, "document", None)):
            return InspectReply(error=f'its "{request.director}" is not a Director: it has no document()')
        base = Path(str(getattr(director, "base", None) or path.parent))
        if not is_folder(base):
            return InspectReply(error=f'its base "{base}" is no folder')
        document = director.document()
        if not isinstance(document, Mapping):
            return InspectReply(error=f'its "{request.director}" is not a Director: its document() is no mapping')
        plain = PlainDocument(document)
        return InspectReply(document=plain.content, mistakes=tuple(plain.mistakes), base=str(base))
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - the user's program may raise anything
        reason = f"{type(exc).__name__}: {' '.join(str(exc).split())}".removesuffix(": ")
        return InspectReply(error=f"it cannot be run: {reason.encode(errors='backslashreplace').decode()}")


if __name__ == "__main__":
    main()
