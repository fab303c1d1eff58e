"""Windows of events: so many, so long, so large. No clock: the time is an argument."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Annotated, Any

from msgspec import Meta

from actorkit import Actor
from actorkit.params import Problem
from actorkit_actors.flow.gathered import Group, Groups, Part

#: Seconds between two looks for windows whose time is over.
LOOK_S = 0.05


class WindowParams(Actor.Params, frozen=True, kw_only=True):
    """Parameters that tell when a window ends."""

    count: Annotated[int, Meta(ge=0, description="most events in a window; 0: any number")] = 0
    window_s: Annotated[float, Meta(ge=0, description="longest time from the first event on; 0: any time")] = 0.0
    max_bytes: Annotated[int, Meta(ge=1, description="most data in a window; it ends before an event too many")] = (
        16 << 20
    )


def problems(params: Any) -> Iterable[Problem]:
    """What is wrong with them."""
    if not params.count and not params.window_s:
        yield Problem("count", "give count, window_s, or both: without them no window would end")


class Windows:
    """The windows that are open, one for each key."""

    def __init__(self, params: Any) -> None:
        self._count, self._window_s, self._max_bytes = params.count, params.window_s, params.max_bytes
        self._groups = Groups()

    @property
    def held(self) -> int:
        """How many events wait in windows."""
        return self._groups.held

    def add(self, key: Hashable, part: Part, size_bytes: int, now_s: float) -> Iterator[Group]:
        """Put an event into the window of its key; the windows that have ended with that."""
        group = self._groups.of(key, now_s)
        if group.parts and group.size_bytes + size_bytes > self._max_bytes:
            yield self._groups.take(key)
            group = self._groups.of(key, now_s)
        group.parts.append(part)
        group.size_bytes += size_bytes
        if len(group.parts) == self._count:
            yield self._groups.take(key)

    def ended(self, now_s: float) -> Iterator[Group]:
        """Take out the windows whose time is over."""
        return self._groups.take_older(now_s - self._window_s) if self._window_s else iter(())

    def all(self) -> Iterator[Group]:
        """Take out all windows."""
        return self._groups.take_all()
