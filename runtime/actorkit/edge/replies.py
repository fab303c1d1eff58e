"""Answers that wait to be sent: each must go to the very instance that asked. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actorkit.edge.send_session import Item
from actorkit.edge.wire import Delivery
from actorkit.event.parcel import Parcel, Waiter


def is_answer(parcel: Parcel | Delivery, actor: str) -> bool:
    """Whether somebody at that actor waits for an event."""
    return bool(parcel.reply_to) and actor in (parcel.reply_to or ())


class ReplyQueue:
    """The answers of one connection that have not been sent yet."""

    def __init__(self) -> None:
        #: (who waits, the answer).
        self._waiting: list[tuple[Waiter, Item]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def parcels(self) -> list[Parcel]:
        """The answers themselves."""
        return [item[0] for _, item in self._waiting]

    def sort_out(self, items: Iterable[Item], destination: str) -> list[Item]:
        """Take the answers to the actor `destination` out of these; returns the others."""
        others = []
        for item in items:
            reply_to = item[0].reply_to
            if reply_to and destination in reply_to:
                self._waiting.append((reply_to[destination], item))
            else:
                others.append(item)
        return others

    def take(self, credits: Mapping[str, int]) -> tuple[dict[str, list[Item]], list[tuple[Waiter, Item]]]:
        """The answers that may be sent now, by instance, and the answers to whose instance no session leads.

        `credits` has how many events may be sent to each instance that a session leads to. An answer waits for credit.
        """
        ready: dict[str, list[Item]] = {}
        waiting, astray = [], []
        for waiter, item in self._waiting:
            if waiter.instance not in credits:
                astray.append((waiter, item))
            elif len(ready.setdefault(waiter.instance, [])) < credits[waiter.instance]:
                ready[waiter.instance].append(item)
            else:
                waiting.append((waiter, item))
        self._waiting = waiting
        return ready, astray
