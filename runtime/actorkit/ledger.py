"""The ledger: what is not finished yet, and who has to be told when it is.

An event is finished when `consume` has ended and every event that it became is finished downstream. Backlog,
back-pressure, drain and readiness all read it from here. No sockets, no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Finish(Protocol):
    """A session that is told the numbers that are finished."""

    def finish(self, number: int) -> None: ...


class Delivery:
    """An event that came in and is not finished. `pending` counts what it still waits for: its own `consume`, each
    event sent on, each handle held."""

    __slots__ = ("id", "known", "number", "pending", "session", "twins")

    def __init__(self, session: Finish, number: int, id_: bytes, known: Known) -> None:
        self.session = session
        self.number = number
        self.id = id_
        self.known = known
        self.pending = 1
        #: Repeats of the same event that came in meanwhile: they are finished together with it.
        self.twins: list[tuple[Finish, int]] | None = None

    def release(self) -> None:
        """One thing less to wait for; the last one finishes the event."""
        self.pending -= 1
        if not self.pending:
            self.session.finish(self.number)
            self.known.finish(self.id)
            if self.twins:
                for session, number in self.twins:
                    session.finish(number)

    def __repr__(self) -> str:
        return f"<Delivery {self.id.hex()[:12]} number={self.number} pending={self.pending}>"


class Root:
    """An event that began here: a source's, or a request's. `finished` is called once, when all it became is done."""

    __slots__ = ("_finished", "pending")

    def __init__(self, finished: Callable[[], None]) -> None:
        self.pending = 1
        self._finished = finished

    def release(self) -> None:
        """One thing less to wait for; the last one finishes the event."""
        self.pending -= 1
        if not self.pending:
            self._finished()


class Known:
    """The events of one instance that are in work or were finished lately, by id, so that repeats are recognised.

    Of finished events at least `memory` and at most twice as many are remembered: two generations, the older one
    forgotten whole, so that forgetting costs nothing per event.
    """

    def __init__(self, memory: int = 65_536) -> None:
        self._memory = memory
        self.working: dict[bytes, Delivery] = {}
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()

    def finished(self, id_: bytes) -> bool:
        """Whether the event was finished here within memory."""
        return id_ in self._recent or id_ in self._older

    def finish(self, id_: bytes) -> None:
        """Move an event from work to memory."""
        self.working.pop(id_, None)
        self._recent.add(id_)
        if len(self._recent) >= self._memory:
            self._older, self._recent = self._recent, set()
