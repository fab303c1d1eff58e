"""How many wrong logins there were of late, by name or by address: token buckets in a table that does not grow."""

from __future__ import annotations

import ipaddress
from typing import Final

#: Names, or addresses, that are remembered; the ones that failed longest ago are forgotten first.
MOST: Final = 10_000


class Failures:
    """Lets `burst` failures of one key pass at once, and one more each `interval_s`. A burst of 0: no limit.

    A bucket is one number, the time at which it is full again: each failure moves it on by the interval (GCRA).
    """

    def __init__(self, burst: int, interval_s: float, most: int = MOST) -> None:
        self._interval_s = interval_s
        self._room_s = (burst - 1) * interval_s
        self._limited = burst > 0
        self._most = most
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def wait_s(self, key: str, now: float) -> float:
        """How long it is until another failure may pass; 0 when it may."""
        if not self._limited:
            return 0.0
        return max(0.0, self._full_at.get(key, now) - now - self._room_s)

    def clean(self, key: str, now: float) -> bool:
        """Whether the key has not failed, or so long ago that its bucket is full again."""
        return self._full_at.get(key, now) <= now

    def add(self, key: str, now: float) -> None:
        """Count a failure."""
        full_at = max(self._full_at.pop(key, now), now) + self._interval_s
        while len(self._full_at) >= self._most:
            del self._full_at[next(iter(self._full_at))]
        self._full_at[key] = full_at


def network(address: str) -> str:
    """What one client is known by: its IPv4 address, or the /64 of IPv6, of which it has all addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
