"""The pages of an actor beside those that every process has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from actorkit.admin.boxes import MOST_TAPS, Boxes
from actorkit.admin.letters import Letters
from actorkit.admin.put import Put
from actorkit.admin.query import check_names, number_of
from actorkit.admin.tap import Tap
from actorkit.admin.where import read_where
from actorkit.errors import SettingsError
from actorkit.host.graph import graph_at
from actorkit.host.host import Host
from actorkit.host.scale import waiting_by_actor
from actorkit.observe import logs
from actorkit.observe.admin import LINES, Action, BadRequest, Request, Response

log = logging.getLogger("actorkit.admin")

#: Bounds of a tap: where nothing is said, and at most.
EVENTS: Final = (10, 100_000)
BYTES: Final = (1 << 20, 256 << 20)
SECONDS: Final = (30.0, 600.0)


def told_by(host: Host) -> dict[str, Callable[[], Any]]:
    """What an actor tells whoever asks."""
    told: dict[str, Callable[[], Any]] = {
        "/scale": lambda: waiting_by_actor(host),
        "/graph": lambda: graph_at(host),
        "/recent": lambda: _recent(host),
    }
    if host.settings.dead_letters is not None:
        told["/letters"] = Letters(host.settings.dead_letters).tell
    return told


def _recent(host: Host) -> dict[str, Any]:
    """What happened of late. Whoever looks wants to see what an operator puts in."""
    host.recent.attend()
    return {"actor": host.name, "instance": host.instance, **host.recent.as_json()}


def actions_on(host: Host) -> dict[str, Action]:
    """What is done to an actor for whoever has its token."""
    actions = {
        "/tap": Action("GET", TapPage(Boxes(host))),
        "/log": Action("GET", lambda _request: Response(logs.last_lines.text().encode())),
        "/put": Action("POST", Put(host)),
    }
    if host.settings.dead_letters is not None:
        actions["/dlq"] = Action("POST", Letters(host.settings.dead_letters).act)
    return actions


class TapPage:
    """The page `/tap`."""

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes

    def __call__(self, request: Request) -> Response:
        """Open a tap as the query says."""
        query = request.query
        check_names(query, "inbox", "outbox", "events", "bytes", "seconds", "bodies", "where")
        bounds = [
            number_of(query, name, *bound)
            for name, bound in (("events", EVENTS), ("bytes", BYTES), ("seconds", SECONDS))
        ]
        if query.get("bodies", "") not in ("", "0", "1"):
            raise BadRequest("bodies= is 1 or 0")
        try:
            where = [read_where(line) for line in query.get("where", "").splitlines()]
        except SettingsError as exc:
            raise BadRequest(f"where: {str(exc).splitlines()[0]}") from exc
        if self._boxes.open >= MOST_TAPS:
            text = f"{MOST_TAPS} taps are open here; close one first"
            raise BadRequest(text, HTTPStatus.TOO_MANY_REQUESTS)
        events, size, seconds = bounds
        tap = Tap(int(events), int(size), seconds, where, body=query.get("bodies") == "1")
        return Response(media_type=LINES, parts=self._lines(tap, self._open(tap, query)))

    def _open(self, tap: Tap, query: Mapping[str, str]) -> Callable[[], Callable[[], None]]:
        """What opens the tap; that gives what closes it.

        Raises:
            BadRequest: there is no such box.
        """
        inbox, outbox = query.get("inbox", ""), query.get("outbox", "")
        inboxes, outboxes = self._boxes.names()
        if inbox and outbox:
            raise BadRequest("say inbox= or outbox=, not both")
        if outbox and outbox not in outboxes:
            raise BadRequest(f'there is no outbox "{outbox}"; there are {", ".join(outboxes) or "none"}')
        if inbox and inbox not in inboxes:
            raise BadRequest(f'nobody sends to an inbox "{inbox}" here; there are {", ".join(inboxes) or "none"}')
        if outbox:
            return lambda: self._boxes.look_at_outbox(outbox, tap.see)
        return lambda: self._boxes.look_at_inbox(inbox, tap.see)

    @staticmethod
    def _lines(tap: Tap, open_: Callable[[], Callable[[], None]]) -> Iterator[bytes]:
        close = open_()
        log.info("a tap is open")
        try:
            yield from tap.lines()
        finally:
            close()
            log.info("a tap is closed; it has shown %d events", tap.shown)
