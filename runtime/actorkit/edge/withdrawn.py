"""Requests that were given up before their time was over, as those are told who may still have events of them. No
sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from actorkit.edge.expiry import is_late
from actorkit.event.parcel import Parcel

#: Withdrawn requests that are remembered. Events of one that is forgotten are consumed until its deadline.
MAX_WITHDRAWN: Final = 4096


class Withdrawn:
    """The keys that one instance has heard of. `pass_on` is called with those that are new, as what it had may have
    been sent on."""

    def __init__(self, pass_on: Callable[[Sequence[bytes]], None] = lambda _: None) -> None:
        self.pass_on = pass_on
        self._keys: dict[bytes, None] = {}

    def hear(self, keys: Sequence[bytes]) -> None:
        """Nobody waits any more for what was asked under these keys."""
        new = [key for key in keys[:MAX_WITHDRAWN] if key not in self._keys]
        self._keys.update(dict.fromkeys(new))
        for key in list(islice(self._keys, max(0, len(self._keys) - MAX_WITHDRAWN))):
            del self._keys[key]
        if new:
            self.pass_on(new)

    def is_late(self, parcel: Parcel, now_ms: int) -> bool:
        """Whether everybody who waited for an event has given up."""
        if self._keys and parcel.reply_to:
            for waiter in parcel.reply_to.values():
                if waiter.key in self._keys:
                    waiter.deadline_ms = now_ms  # for what is made of the event, too
        return is_late(parcel, now_ms)
