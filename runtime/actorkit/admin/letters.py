"""The dead letters that an instance keeps: their heads for everybody, and for whoever has the token all that
`kit dlq` does with them."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from actorkit.admin.query import check_names
from actorkit.deadletters import cli
from actorkit.deadletters.box import in_a_thread
from actorkit.deadletters.query import Query
from actorkit.deadletters.store import Store
from actorkit.graph import NAME
from actorkit.observe.admin import JSON, BadRequest, Request, Response, json_response

log = logging.getLogger("actorkit.admin")

#: Letters of an actor whose heads are told: the newest ones.
MOST_TOLD: Final = 50
#: Letters that are shown at a time, with their bodies.
MOST_SHOWN: Final = 50
#: Longest time for one command, in seconds. One that is ended then has lost nothing.
COMMAND_S: Final = 120.0
#: What may be done, and what a letter is called.
_ACTIONS: Final = ("show", "retry", "drop")
_ID: Final = re.compile(r"[0-9a-f]{16}\Z")


class Letters:
    """The pages `/letters` and `/dlq`, of the box in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tell(self) -> dict[str, Any]:
        """How many letters each actor has, and the heads of the newest ones, the newest first."""
        return in_a_thread(self._read)

    def _read(self) -> dict[str, Any]:
        with closing(Store(self._folder)) as store:
            counts = store.counts()
            newest = [one.head() for actor in counts for one in store.newest(actor, MOST_TOLD)]
        return {"counts": counts, "letters": newest}

    def act(self, request: Request) -> Response:
        """Show letters, send them again or drop them, as the query says."""
        query = request.query
        check_names(query, "action", "actor", "ids")
        action, actor, ids = query.get("action", ""), query.get("actor", ""), query.get("ids", "").split(",")
        if action not in _ACTIONS:
            raise BadRequest(f"action= is one of {', '.join(_ACTIONS)}")
        if not NAME.match(actor):
            raise BadRequest("actor= is the actor that failed on them")
        if ids != [cli.ALL] and not all(map(_ID.match, ids)):
            raise BadRequest("ids= are ids of events, separated by commas, or all")
        log.info("dead letters of %s: %s %s", actor, action, ",".join(ids))
        if action == "show":
            return json_response(in_a_thread(lambda: self._show(Query(actor, () if ids == [cli.ALL] else tuple(ids)))))
        return Response(_run(action, actor, ids), JSON)

    def _show(self, query: Query) -> dict[str, Any]:
        with closing(Store(self._folder)) as store:
            found = store.find(replace(query, limit=MOST_SHOWN), bodies=True)
            return {"letters": [one.letter.shown(one.attempts) for one in found]}


def _run(action: str, actor: str, ids: list[str]) -> bytes:
    """What the command writes.

    Raises:
        BadRequest: it could not do that; the text is its own.
    """
    command = [sys.executable, "-P", "-m", "actorkit.deadletters.cli", action, *ids, f"--actor={actor}"]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=COMMAND_S, check=False)
    except subprocess.TimeoutExpired:
        raise BadRequest(f"not finished after {COMMAND_S:g} s", HTTPStatus.GATEWAY_TIMEOUT) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise BadRequest(said[-1].removeprefix("actorkit: "), HTTPStatus.CONFLICT)
    return done.stdout
