"""A lease of a name at a broker: of several that want it, one holds it, for as long as it renews it in time.

`mmi.lease` [request as JSON]: the answer is JSON too. The holder goes by its own clock, from before it asked: so it
gives the name up before the broker does. A broker that has not heard of a name gives it to nobody who has not held it
before, for as long as a lease lasts: it may be a new broker, and the holder not have come to it yet.

`mark` is a number that the holder leaves for the next one, as how far it has come; it never falls.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from actorkit.errors import UNREADABLE
from actorkit.mdp.errors import FrameError

#: The broker's service.
SERVICE: Final = "mmi.lease"

#: The longest lease, in milliseconds.
MAX_MS: Final = 60_000

_Name = Annotated[str, Meta(min_length=1, max_length=255)]


class LeaseRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Asks for a name for `ms` milliseconds; 0 gives it up. `renews` says that the holder has it by its own clock."""

    name: _Name
    holder: _Name
    ms: Annotated[int, Meta(ge=0, le=MAX_MS)]
    renews: bool = False
    mark: int | None = None


class LeaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether who asked holds the name now, and the highest mark that was left."""

    held: bool
    mark: int | None = None


def read_request(content: bytes) -> LeaseRequest | None:
    """What is asked for; None where that is no such request."""
    try:
        return msgspec.json.decode(content, type=LeaseRequest)
    except UNREADABLE:
        return None


class Lease:
    """A name that somebody wants to hold. `ask` takes a request to a broker, and gives what it answers.

    Attributes:
        mark: the highest mark that was left at a broker, as far as is known here.
    """

    def __init__(
        self,
        name: str,
        holder: str,
        duration_s: float,
        ask: Callable[[bytes], bytes],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.mark: int | None = None
        self._name = name
        self._holder = holder
        self._ms = int(duration_s * 1000)
        self._ask = ask
        self._clock = clock
        #: Until when it is held; 0: it is not.
        self._until = 0.0

    def __repr__(self) -> str:
        return f"<Lease of {self._name}: {'held' if self.held else 'not held'}, mark {self.mark}>"

    @property
    def held(self) -> bool:
        return self._clock() < self._until

    def leave(self, mark: int) -> None:
        """Have the next exchange leave a mark."""
        self.mark = mark if self.mark is None else max(mark, self.mark)

    def renew(self) -> None:
        """Ask for it, for the first time or again. What is held stays held to its end where nobody answers.

        Raises:
            ActorkitError: nobody answers, or not so.
        """
        begun = self._clock()
        answer = self._exchange(self._ms)
        self._until = begun + self._ms / 1000 if answer.held else 0.0
        if answer.mark is not None:
            self.leave(answer.mark)

    def give_up(self) -> None:
        """Let another one have it.

        Raises:
            ActorkitError: nobody answers; then another one has to wait until it is over.
        """
        if self.held:
            self._until = 0.0
            self._exchange(0, held=True)

    def _exchange(self, ms: int, held: bool = False) -> LeaseAnswer:
        renews = held or self.held
        request = LeaseRequest(name=self._name, holder=self._holder, ms=ms, renews=renews, mark=self.mark)
        content = self._ask(msgspec.json.encode(request))
        try:
            return msgspec.json.decode(content, type=LeaseAnswer)
        except UNREADABLE as exc:
            raise FrameError(f"the broker gives no leases, or this is none: {exc}") from exc
