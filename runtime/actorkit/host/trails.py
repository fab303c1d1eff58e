"""The way that events have come, as it stands in them."""

from __future__ import annotations

import logging

from actorkit.event.parcel import MAX_TRAIL

log = logging.getLogger("actorkit.host")


class Trails(dict[str, str]):
    """The trails of events that leave an actor, by the trail with which they came. Most of a run have the same."""

    #: How many trails are remembered.
    MOST = 1024

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._has_told = False

    def __missing__(self, trail: str) -> str:
        if len(self) >= self.MOST:
            self.clear()
        longer = f"{trail}/{self._actor}" if trail else self._actor
        if len(longer) > MAX_TRAIL:
            longer = longer[-MAX_TRAIL:]
            self._tell(longer)
        self[trail] = longer
        return longer

    def _tell(self, trail: str) -> None:
        """Tell once of events that have come through very many actors, each of which holds them until they are done."""
        if not self._has_told:
            self._has_told = True
            log.warning(
                "an event has come through more actors than its trail holds (… %s): if it goes round for ever, memory "
                "grows with each round. A loop needs a way out.",
                trail[-100:],
            )
