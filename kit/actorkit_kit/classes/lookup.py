"""Looking up actors' classes: stock ones are imported, users' ones are looked at by a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from actorkit.errors import UNREADABLE
from actorkit_actors.catalogue import Entry
from actorkit_kit import python_process
from actorkit_kit.classes.actor_class import ClassReply, ClassRequest, describe
from actorkit_kit.classes.describe import InspectReply, InspectRequest
from actorkit_kit.classes.known import is_stock
from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line

#: Longest time that importing users' modules may take, in seconds.
IMPORT_TIMEOUT_S: Final = 60.0


def look_up(requests: Sequence[ClassRequest], folder: Path | None = None) -> list[ClassReply]:
    """Describe classes; users' ones are looked for in the folder. The answers stand in the order of the requests."""
    users = [request for request in requests if not is_stock(request.class_path)]
    seen = iter(inspect_code(InspectRequest(classes=tuple(users)), folder).descriptions if users else ())
    return [describe(request) if is_stock(request.class_path) else next(seen) for request in requests]


def schemas(published: Sequence[Entry]) -> list[dict[str, Any]]:
    """The definitions of the parameters of classes from packages, in their order; empty where they cannot be had."""
    if not published:
        return []
    try:
        replies = look_up([ClassRequest(entry.class_path, schema_for=entry.name) for entry in published])
    except KitError:
        return [{} for _ in published]
    return [reply.schema for reply in replies]


def inspect_code(request: InspectRequest, folder: Path | None) -> InspectReply:
    """Let another process look.

    Raises:
        KitError: the process gave no answer.
    """
    try:
        done = subprocess.run(
            python_process.command("actorkit_kit.classes.describe"),
            input=msgspec.json.encode(msgspec.structs.replace(request, folder=str(folder or ""))),
            capture_output=True,
            timeout=IMPORT_TIMEOUT_S,
            env=python_process.environ(),
            check=False,
        )
        return msgspec.json.decode(done.stdout, type=InspectReply)
    except subprocess.TimeoutExpired as exc:
        what = request.program or ", ".join(each.class_path for each in request.classes)
        raise KitError(f"{what}: importing it took more than {IMPORT_TIMEOUT_S:g} s. Start nothing at import.") from exc
    except UNREADABLE as exc:
        reason = last_line(done.stderr.decode(errors="replace"))
        what = request.program or ", ".join(each.class_path for each in request.classes)
        raise KitError(f"{what}: importing it ended Python: {reason}") from exc
