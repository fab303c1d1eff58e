"""How long to wait before an address is tried again that has refused a session. No sockets, and the clock is given."""

from __future__ import annotations

from typing import Final

#: First pause after a refusal, and the longest, in seconds; each is twice as long as the one before it.
FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0

#: Addresses that are remembered; the oldest one goes.
MAX_ADDRESSES: Final = 1024


class Pauses:
    """The addresses behind one connection that refused a session, and from when on they may be asked again."""

    def __init__(self) -> None:
        #: Address → (from when on it may be tried, length of the pause in seconds, why it refused).
        self._refused: dict[str, tuple[float, float, str]] = {}

    def __repr__(self) -> str:
        return f"<Pauses {len(self._refused)} addresses>"

    def begin(self, address: str, why: str, now: float) -> bool:
        """Note a refusal. Whether it is news: the first one of that address, or for another reason than before.

        One that comes long after the last pause is over begins with a short pause again.
        """
        until, pause_s, before = self._refused.pop(address, (now, 0.0, ""))
        pause_s = FIRST_S if not pause_s or now > until + LONGEST_S else min(LONGEST_S, pause_s * 2)
        self._refused[address] = (now + pause_s, pause_s, why)
        if len(self._refused) > MAX_ADDRESSES:
            del self._refused[next(iter(self._refused))]
        return why != before

    def is_over(self, address: str, now: float) -> bool:
        """Whether an address may be tried."""
        return address not in self._refused or now >= self._refused[address][0]
