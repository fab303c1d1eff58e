"""An actor that fails as long as a file is there, and keeps what has failed."""

from __future__ import annotations

import json
from pathlib import Path

from actorkit import Actor, Event, MalformedEvent
from tests.fleet import Fleet
from tests.until import until

#: What it says of each event: markup, which nobody may take for that.
COMPLAINT = '<script>document.title = "owned"</script> no total'


class Fussy(Actor):
    """Fails on every event as long as a file is there."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        broken: str

    def consume(self, event: Event) -> Event | None:
        if Path(self.params.broken).exists():
            raise MalformedEvent(COMPLAINT)
        return event


class Failing:
    """A source of `count` events, and an actor that fails on them."""

    def __init__(self, fleet: Fleet, count: int = 3) -> None:
        self.broken = fleet.folder / "broken"
        self.broken.touch()
        self._token = fleet.folder / "fussy.token"
        self.fussy = fleet.start(
            "fussy",
            "tests.runtime.admin.fussy:Fussy",
            params=json.dumps({"broken": str(self.broken)}),
            dead_letters=str(fleet.folder / "box"),
            admin_token=str(self._token),
            sample="1",
        )
        params = json.dumps({"count": count, "interval_s": 0.01, "data": "tick"})
        self.source = fleet.start("up", "actorkit_actors.flow.generator:Generator", outbox_fussy="fussy", params=params)
        until(self.fussy.ready, "it is ready")
        until(lambda: self.fussy.metric("actorkit_events_failed_total") == count, "all have failed")

    @property
    def token(self) -> str:
        return self._token.read_text().strip()
