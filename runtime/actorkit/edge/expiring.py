"""The events of one connection that nobody waits for any more: those that no peer has been given are not sent. No
sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actorkit.edge import expiry
from actorkit.edge.outcome import Outcome
from actorkit.edge.traffic import Traffic
from actorkit.event.parcel import Parcel

#: Withdrawn requests are looked for when they may be this part of what waits, so that each costs the same however many
#: others wait.
PART: Final = 8


class Expiring(Traffic):
    """Traffic out of which events are taken that are late, or were withdrawn."""

    def __init__(self, actor: str) -> None:
        super().__init__(actor)
        #: When waiting events are next searched for some that nobody waits for.
        self._next_sweep = 0.0
        #: Keys of requests that nobody waits for any more, and whose events may still wait for a peer.
        self._withdrawn: set[bytes] = set()

    def withdraw(self, *keys: bytes) -> None:
        """Send no more of what was asked under these keys and still waits for a peer: nobody wants the answers. What
        this instance asked for is taken out whoever else waits for it."""
        self._withdrawn.update(keys)
        if len(self._withdrawn) * PART >= self.backlog:
            self._drop_withdrawn()

    def _sweep(self, now: float) -> None:
        """Take out what nobody waits for. To be called before events are given to peers."""
        if now >= self._next_sweep:
            self._next_sweep = now + expiry.SWEEP_S
            now_ms = int(now * 1000)
            self._drop(lambda parcel: expiry.is_late(parcel, now_ms), expiry.expiry_outcome(self._actor))
        elif not self._withdrawn or not any(session.credit > 0 for session in self.sessions.values()):
            return
        self._drop_withdrawn()

    def _drop_withdrawn(self) -> None:
        if self._withdrawn:
            actor, keys = self._actor, self._withdrawn
            self._drop(lambda parcel: expiry.was_asked(parcel, actor, keys), None)
            keys.clear()

    def _drop(self, out: Callable[[Parcel], bool], outcome: Outcome | None) -> None:
        goes = self.suspects.drop(out)
        stays, late = expiry.split(self._items(), out)
        if late:
            self._replace(stays)
        goes += late
        if goes:
            self.drop("expired", len(goes))
            for item in goes:
                self.abandon(item, outcome)
