"""Whether a server that keeps failing is asked again."""

from __future__ import annotations

import gevent

from actorkit import EventError


class Breaker:
    """Lets requests through until so many in a row have failed; then one, each time that a pause is over, until one
    succeeds."""

    def __init__(self, most: int, pause_s: float) -> None:
        """Begin closed, which lets everything through; `most` 0 lets everything through for ever."""
        self._most = most
        self._pause_s = pause_s
        self._failures = 0
        #: When the next one may try.
        self._next = 0.0

    @property
    def open(self) -> bool:
        """Whether it lets at most a try through."""
        return 0 < self._most <= self._failures

    def wait_s(self, now: float) -> float:
        """How long the next request has to wait; 0: not at all, and it is the one that tries."""
        if not self.open:
            return 0.0
        if now < self._next:
            return self._next - now
        self._next = now + self._pause_s  # Others wait for what becomes of this one.
        return 0.0

    def judge(self, end: BaseException, now: float) -> None:
        """Note what the end of a request says of the server: a status below 500 is an answer, a kill says nothing."""
        if isinstance(end, EventError) and end.status < 500:
            self.close()
        elif isinstance(end, Exception | gevent.Timeout):
            self.fail(now)

    def close(self) -> None:
        """Note that the server answered as it should."""
        self._failures = 0

    def fail(self, now: float) -> None:
        """Note that it did not."""
        self._failures += 1
        if self.open:
            self._next = now + self._pause_s
