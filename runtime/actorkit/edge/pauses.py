"""How long to wait before an address is tried again that has refused a session, or whose connections end as soon as
they stand. No sockets, and the clock is given."""

from __future__ import annotations

from typing import Final

#: First pause after a refusal, and the longest, in seconds; each is twice as long as the one before it, but for
#: refusals for want of room.
FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0

#: First and longest pause where connections end one after the other, in seconds. The longest one is short, for the
#: right peer may be back at any time, and trying costs little.
FIRST_LOST_S: Final = 1.0
LONGEST_LOST_S: Final = 2.0

#: A connection that ends so soon after the one before it is one of a row, in seconds.
SOON_S: Final = 0.25

#: Addresses that are remembered; the oldest one goes.
MAX_ADDRESSES: Final = 1024


class Pauses:
    """The addresses behind one connection that refused or lost a session, and from when on they may be asked again."""

    def __init__(self) -> None:
        #: Address → (from when on it may be tried, length of the pause in seconds, why).
        self._paused: dict[str, tuple[float, float, str]] = {}

    def __repr__(self) -> str:
        return f"<Pauses {len(self._paused)} addresses>"

    def begin(self, address: str, why: str, now: float, grows: bool = True) -> bool:
        """Note a refusal. Whether it is news: the first one of that address, or for another reason than before.

        One that comes long after the last pause is over begins with a short pause again; so does each one where pauses
        do not grow: for want of room, which there may be at any time.
        """
        until, pause_s, before = self._paused.pop(address, (now, 0.0, ""))
        begins = not grows or not pause_s or now > until + LONGEST_S
        pause_s = FIRST_S if begins else min(LONGEST_S, pause_s * 2)
        self._note(address, now + pause_s, pause_s, why)
        return why != before

    def lose(self, address: str, why: str, now: float) -> bool:
        """Note that a connection has ended. Whether `why` is news: once for each address, where connections end one
        after the other. "" never is.

        After a connection that lasted there is no pause: who was there has restarted. Where the next one ends as soon
        as it stands, pauses grow.
        """
        until, pause_s, before = self._paused.pop(address, (-SOON_S, 0.0, ""))
        in_a_row = now < until + max(SOON_S, pause_s)
        pause_s = min(LONGEST_LOST_S, max(FIRST_LOST_S, pause_s * 2)) if in_a_row else 0.0
        told = why if why and in_a_row else before
        self._note(address, now + pause_s, pause_s, told)
        return told != before

    def _note(self, address: str, until: float, pause_s: float, why: str) -> None:
        self._paused[address] = (until, pause_s, why)
        if len(self._paused) > MAX_ADDRESSES:
            del self._paused[next(iter(self._paused))]

    def is_over(self, address: str, now: float) -> bool:
        """Whether an address may be tried."""
        return address not in self._paused or now >= self._paused[address][0]
