"""The requests of one service that wait for a worker. Clients take turns, whatever each of them has waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from actorkit.mdp.broker.request import Request
from actorkit.mdp.frames import Part

#: Most emptied queues of clients that are kept to be used again.
_MAX_SPARE = 64


class Backlog(deque[Request]):
    """What one client has waiting; `size_bytes` is the sum of theirs."""

    __slots__ = ("size_bytes",)

    def __init__(self) -> None:
        super().__init__()
        self.size_bytes = 0


class RequestQueue:
    """Round robin over clients: each has a queue of its own, and the one whose turn it is gives its oldest request.

    A request that a lost worker left comes before all others (`put_back`). Everything but `take_expired` costs the same
    however many wait. `length` is the number of all that wait.
    """

    __slots__ = ("_by_client", "_first", "_spare", "_turns", "length")

    def __init__(self) -> None:
        self.length = 0
        #: Requests that were put back.
        self._first: deque[Request] = deque()
        #: The queues of the clients that have requests here, by `Request.turn`.
        self._by_client: dict[Part, Backlog] = {}
        #: The same queues; the client of the first is next.
        self._turns: deque[Backlog] = deque()
        self._spare: list[Backlog] = []

    def __repr__(self) -> str:
        return f"<RequestQueue: {self.length} wait, of {len(self._by_client)} clients>"

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Request]:
        yield from self._first
        yield from self._in_turns()

    @property
    def clients(self) -> int:
        """How many clients have requests here."""
        return len(self._by_client)

    def waiting_of(self, turn: Part) -> tuple[int, int]:
        """How many requests a client has here, and how many bytes they are."""
        own = self._by_client.get(turn)
        return (len(own), own.size_bytes) if own is not None else (0, 0)

    def append(self, request: Request) -> None:
        """Let a request wait behind those of its client."""
        own = self._by_client.get(request.turn)
        if own is None:
            own = self._by_client[request.turn] = self._spare.pop() if self._spare else Backlog()
            self._turns.append(own)
        own.append(request)
        own.size_bytes += request.size_bytes
        self.length += 1

    def put_back(self, request: Request) -> None:
        """Let a request be the next one."""
        self._first.appendleft(request)
        self.length += 1

    def peek(self) -> Request:
        """The request that is next; there is one."""
        return (self._first or self._turns[0])[0]

    def pop(self) -> Request:
        """Take the request that is next; there is one."""
        self.length -= 1
        if self._first:
            return self._first.popleft()
        turns = self._turns
        own = turns[0]
        request = own.popleft()
        own.size_bytes -= request.size_bytes
        if not own:
            del self._by_client[request.turn]
            turns.popleft()
            if len(self._spare) < _MAX_SPARE:
                self._spare.append(own)
        elif len(turns) > 1:
            turns.rotate(-1)
        return request

    def clear(self) -> None:
        """Forget all that wait."""
        self._first.clear()
        self._turns.clear()
        self._by_client.clear()
        self.length = 0

    def take_expired(self, now: float) -> tuple[list[Request], float]:
        """Take every request whose deadline has passed; returns them, and the earliest deadline of those that stay."""
        expired: list[Request] = []
        kept: list[Request] = []
        for request in self._in_turns():
            (expired if request.deadline <= now else kept).append(request)
        first = [request for request in self._first if request.deadline > now]
        expired += [request for request in self._first if request.deadline <= now]
        self.clear()
        for request in kept:
            self.append(request)
        for request in reversed(first):
            self.put_back(request)
        return expired, min((request.deadline for request in (*first, *kept)), default=float("inf"))

    def oldest(self) -> float | None:
        """When the request arrived that waits for longest; None when none waits. Any thread may ask."""
        oldest: float | None = None
        for own in [self._first, *list(self._by_client.values())]:
            try:
                arrived = own[0].arrived
            except IndexError:
                continue  # it was just taken
            oldest = arrived if oldest is None else min(oldest, arrived)
        return oldest

    def _in_turns(self) -> Iterator[Request]:
        for own in self._turns:
            yield from own
