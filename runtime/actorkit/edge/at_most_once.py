"""`delivery: at-most-once`: for feeds that would rather lose an event than wait or see it twice."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from actorkit.edge.ledger import Entry
from actorkit.edge.outcome import Answer, Outcome
from actorkit.edge.send_session import NOBODY, Item, SendSession
from actorkit.edge.sender import Sender
from actorkit.event.parcel import Parcel

if TYPE_CHECKING:
    from actorkit.event import Event

log = logging.getLogger("actorkit.edge")


class AtMostOnceSender(Sender):
    """Sends each event once, and nobody waits for it.

    Events that find no peer with credit wait, at most one window of them. Further ones are dropped, as are events that
    were under way to a peer that is lost; all of these are counted.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shared_entry = NOBODY

    def put(self, parcel: Parcel, entry: Entry, event: Event) -> None:  # noqa: ARG002  # as the others
        """Take an event, or drop it; `entry` does not wait for it."""
        if len(self.pending) >= self.peers.options.window:
            self.drop("no-credit" if self.connected else "no-peer")
            return
        self.pending.append(parcel)
        if parcel.reply_to:
            self.has_replies = True
            self.has_answers = self.has_answers or not self.destination or self.destination in parcel.reply_to

    def abandon(self, item: Item, outcome: Outcome | None) -> None:
        """An event is not sent, and nobody learns of it: an answer is lost."""
        super().abandon(item, outcome)
        if isinstance(outcome, Answer):
            self.drop("reply-to-gone")
            log.warning(
                "outbox %s: an answer is lost: no link leads to the one who waits at %s", self.outbox, outcome.actor
            )

    def lost(self, session: SendSession, died: bool = True) -> None:
        """A session is no more, and so is what was under way on it."""
        count = len(session.take_back())
        if count:
            self.drop("peer-lost", count)
        super().lost(session, died)
