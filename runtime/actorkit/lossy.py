"""`delivery: at-most-once`: for feeds that would rather lose an event than wait or see it twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorkit import wire
from actorkit.ledger import Entry
from actorkit.link import NOBODY, Link
from actorkit.sender import Sender

if TYPE_CHECKING:
    from actorkit.event import Event


class LossySender(Sender):
    """Sends each event once, and nobody waits for it.

    What finds no peer with credit waits, at most one window of it; what comes then is dropped, as is what was under way
    to a peer that is lost. Both are counted.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sole = NOBODY

    def put(self, parcel: wire.Parcel, entry: Entry, event: Event) -> None:  # noqa: ARG002  # as the others
        """Take an event, or drop it; `entry` does not wait for it."""
        if len(self.pending) >= self.peers.options.window:
            self.drop("no-credit" if self.connected else "no-peer")
            return
        self.pending.append(parcel)
        if parcel.homes:
            self.homeward = True

    def lost(self, link: Link) -> None:
        """A link is no more, and so is what was under way on it."""
        count = len(link.take_back())
        if count:
            self.drop("peer-lost", count)
        super().lost(link)
