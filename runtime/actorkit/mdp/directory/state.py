"""What a registration service knows: which brokers there are. A state machine without a socket.

announce, leave: [b"", b"AKREG1", b"announce" | b"leave", msgpack Announcement]; no answer
list:            [b"", b"AKREG1", b"list"] → [b"", b"AKREG1", b"brokers", msgpack Listing]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from actorkit.errors import UNREADABLE
from actorkit.mdp.options import SETTLE_S
from actorkit.transport.endpoint import Endpoint

HEADER: Final = b"AKREG1"
ANNOUNCE: Final = b"announce"
LEAVE: Final = b"leave"
LIST: Final = b"list"
BROKERS: Final = b"brokers"

#: Brokers that a service remembers at most.
MAX_BROKERS: Final = 1000

#: Longest endpoint, in bytes.
MAX_ENDPOINT_BYTES: Final = 256

#: A broker that announced no lifetime, or a silly one, is kept for at least and at most this long, in seconds.
TTL_BOUNDS_S: Final = (0.1, 60.0)


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """A broker says where it is, and for how long that holds."""

    endpoint: str
    ttl_s: float = 5.0


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """A broker that is there, and the age of its last announcement."""

    endpoint: str
    age_s: float


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """All brokers that are there. `complete` is false until every live broker has had time to announce itself."""

    brokers: list[Broker]
    complete: bool


class Directory:
    """Brokers by endpoint; those that are not heard from for their lifetime are forgotten.

    Nothing is stored: after a restart the brokers' next announcements fill it again, and until then it says that its
    listing is not complete, so that nobody drops a broker because of it.
    """

    def __init__(self, now: float, settle_s: float = SETTLE_S) -> None:
        self.errors: Counter[str] = Counter()
        #: How often somebody asked for the listing.
        self.listings = 0
        self._brokers: dict[str, tuple[float, float]] = {}
        self._complete_at = now + settle_s
        self._announcements = msgspec.msgpack.Decoder(Announcement)

    def __repr__(self) -> str:
        return f"<Directory of {len(self._brokers)} brokers>"

    def receive(self, frames: Sequence[bytes], now: float) -> list[bytes]:
        """Take a message without its routing id; return the answer, [] for none. Never raises for what it is sent."""
        if len(frames) < 3 or frames[0] != b"" or frames[1] != HEADER:
            self.errors["frames"] += 1
            return []
        if frames[2] == LIST and len(frames) == 3:
            self.listings += 1
            return [b"", HEADER, BROKERS, msgspec.msgpack.encode(self.listing(now))]
        if frames[2] not in (ANNOUNCE, LEAVE) or len(frames) != 4:
            self.errors["command"] += 1
            return []
        try:
            announcement = self._announcements.decode(frames[3])
        except UNREADABLE:
            self.errors["announcement"] += 1
            return []
        if frames[2] == LEAVE:
            self._brokers.pop(announcement.endpoint, None)
        else:
            self._announce(announcement, now)
        return []

    def listing(self, now: float) -> Listing:
        """The brokers that are there."""
        self._expire(now)
        brokers = [Broker(endpoint=name, age_s=now - heard) for name, (heard, _) in sorted(self._brokers.items())]
        return Listing(brokers=brokers, complete=now >= self._complete_at)

    def alive(self, now: float) -> int:
        """How many brokers are there. Any thread may ask."""
        return len(self.endpoints(now))

    def endpoints(self, now: float) -> list[str]:
        """Where the brokers are that are there. Any thread may ask."""
        return sorted(endpoint for endpoint, (_, until) in list(self._brokers.items()) if until > now)

    def _announce(self, announcement: Announcement, now: float) -> None:
        endpoint = announcement.endpoint
        if not _can_be_reached(endpoint):
            self.errors["endpoint"] += 1
            return
        self._expire(now)
        if endpoint not in self._brokers and len(self._brokers) >= MAX_BROKERS:
            self.errors["full"] += 1
            return
        low_s, high_s = TTL_BOUNDS_S
        ttl_s = announcement.ttl_s if announcement.ttl_s == announcement.ttl_s else low_s  # not a number
        self._brokers[endpoint] = (now, now + min(high_s, max(low_s, ttl_s)))

    def _expire(self, now: float) -> None:
        gone = [endpoint for endpoint, (_, until) in self._brokers.items() if until <= now]
        for endpoint in gone:
            del self._brokers[endpoint]


def _can_be_reached(text: str) -> bool:
    """Whether a text is an endpoint that others can connect to: no pattern, no port that is still to be chosen."""
    if len(text) > MAX_ENDPOINT_BYTES or "*" in text:
        return False
    try:
        return Endpoint.parse(text).transport != "inproc"
    except ValueError:
        return False
