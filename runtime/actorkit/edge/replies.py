"""Answers on their way home: events that must go to the very instance that waits for them. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from actorkit.edge.send_session import Item

#: How long an answer waits for the instance that asked, in seconds, when no session leads there.
REPLY_GRACE_S: Final = 5.0


class ReplyQueue:
    """The answers of one connection that have not been sent yet."""

    def __init__(self) -> None:
        #: (until when it waits for a session there, 0 where that is not set yet; the instance; the answer).
        self._waiting: list[tuple[float, str, Item]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def sort_out(self, items: Iterable[Item], destination: str) -> list[Item]:
        """Take the answers to the actor `destination` out of these; returns the others."""
        others = []
        for item in items:
            reply_to = item[0].reply_to
            if reply_to and destination in reply_to:
                self._waiting.append((0.0, reply_to[destination][0], item))
            else:
                others.append(item)
        return others

    def take(self, rooms: Mapping[str, int], now: float) -> tuple[dict[str, list[Item]], list[Item]]:
        """What may be sent now, by instance, and what has waited too long for an instance that is gone.

        `rooms` has how many events may be sent to each instance that a session leads to.
        """
        ready: dict[str, list[Item]] = {}
        waiting, gone = [], []
        for deadline, instance, item in self._waiting:
            if instance in rooms:
                if len(ready.setdefault(instance, [])) < rooms[instance]:
                    ready[instance].append(item)
                else:
                    waiting.append((0.0, instance, item))
            elif not deadline or deadline > now:
                waiting.append((deadline or now + REPLY_GRACE_S, instance, item))
            else:
                gone.append(item)
        self._waiting = waiting
        return ready, gone
