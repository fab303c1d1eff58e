"""How many bytes of requests and answers a server may hold: arithmetic without sockets and without a clock.

A message is counted from its first byte: while it comes, while its event waits for an answer, while that event is
unfinished downstream though its client has been answered, and its answer until the client has read it.
"""

from __future__ import annotations

from typing import Final

#: Which part of the memory the bodies may take by themselves. What is made of them takes about as much again, on its
#: way through the sockets of clients and edges; the other half is the process itself.
SHARE: Final = 4

#: Bounds of the budget that is found by itself, in bytes.
LEAST_BYTES: Final = 8 << 20
MOST_BYTES: Final = 1 << 30

#: A message up to this size is small, in bytes.
SMALL_BYTES: Final = 64 << 10

#: What a request takes beside its bytes, roughly: its event, who waits for it; in bytes.
OVERHEAD_BYTES: Final = 2 << 10

#: What a byte of a head takes, as texts in a mapping.
HEAD_FACTOR: Final = 2

#: What an open connection takes, in bytes, and the part of the memory that all together may.
CONNECTION_BYTES: Final = 16 << 10
CONNECTIONS_SHARE: Final = 8

#: Most connections of a server whose parameters do not say.
MOST_CONNECTIONS: Final = 8192


def default_bytes(memory_bytes: int) -> int:
    """The budget of a process: a part of what its container may use."""
    return min(MOST_BYTES, max(LEAST_BYTES, memory_bytes // SHARE))


def default_connections(memory_bytes: int) -> int:
    """How many connections a process may have open: as many as a part of its memory is enough for."""
    return min(MOST_CONNECTIONS, max(64, memory_bytes // CONNECTIONS_SHARE // CONNECTION_BYTES))


class Budget:
    """The bytes of one server. Large messages together get three quarters, so that small ones always find room.

    Attributes:
        total: bytes that may be held.
        used: bytes that are held. More than `total` for a moment, where an answer is larger than what is left.
        large: how much of it large messages hold.
        peak: the most that were held since `peak` was set.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = self.large = self.peak = 0

    def __repr__(self) -> str:
        return f"<Budget {self.used} of {self.total} bytes, {self.large} of large messages>"

    @property
    def most_large(self) -> int:
        """How much large messages may hold together."""
        return self.total - self.total // 4

    @property
    def over(self) -> bool:
        return self.used > self.total or self.large > self.most_large

    def fits(self, size: int) -> bool:
        """Whether small messages have room for so many bytes more. What large ones have beyond their part is theirs."""
        return self.used - self.large + min(self.large, self.most_large) + size <= self.total


class Lease:
    """What one message holds of a budget."""

    __slots__ = ("_budget", "size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def __repr__(self) -> str:
        return f"<Lease {self.size} bytes>"

    def grow(self, size: int) -> bool:
        """Take so many bytes more; False, and nothing is taken, where there is no room."""
        budget, whole = self._budget, self.size + size
        if whole > SMALL_BYTES:
            large = budget.large + (size if self.size > SMALL_BYTES else whole)
            if large > budget.most_large or budget.used + size > budget.total:
                return False
        elif budget.used + size > budget.total and not budget.fits(size):
            return False
        else:  # what `force` does; nearly all messages come this way
            self.size = whole
            budget.used = used = budget.used + size
            if used > budget.peak:
                budget.peak = used
            return True
        self.force(size)
        return True

    def force(self, size: int) -> None:
        """Take so many bytes more, for what is in memory already."""
        budget, whole = self._budget, self.size + size
        if whole > SMALL_BYTES:
            budget.large += size if self.size > SMALL_BYTES else whole
        self.size = whole
        budget.used += size
        if budget.used > budget.peak:
            budget.peak = budget.used

    def shrink(self, size: int) -> None:
        """Give so many bytes back."""
        left = max(0, self.size - size)
        self.release()
        if left:
            self.force(left)

    def release(self) -> None:
        """Give everything back; a second call does nothing."""
        budget, size = self._budget, self.size
        if size > SMALL_BYTES:
            budget.large -= size
        budget.used -= size
        self.size = 0
