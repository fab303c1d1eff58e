"""Events that are held until there are enough of them, in groups. No clock: the time is an argument."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from actorkit import Event, Held


class Whole(Protocol):
    """Makes one event of several."""

    def whole(self, base: Event, events: Sequence[Event], values: Sequence[Any]) -> Event:
        """The event of all of these, with the base's name and trace."""


@dataclass(frozen=True, slots=True)
class Part:
    """An event that is held, with its data as it was read."""

    held: Held
    event: Event
    value: Any

    @property
    def sender(self) -> str:
        """The actor that sent it; "" in a test without one."""
        return self.event.trail[-1] if self.event.trail else ""


@dataclass(slots=True)
class Group:
    """Parts that belong together; `key` is what they have in common."""

    key: Hashable

    began_s: float
    parts: list[Part] = field(default_factory=list)
    size_bytes: int = 0

    def finish(self, merge: Whole) -> None:
        """Send the whole of them, in their order. None of them is finished before it is. Its id follows from those of
        all parts, its trace is that of the part with the lowest number: whichever comes first when all come again."""
        base = min(self.parts, key=lambda part: part.event.number)
        events, values = [part.event for part in self.parts], [part.value for part in self.parts]
        try:
            base.held.complete(merge.whole(base.event, events, values), also=[part.held for part in self.parts])
        except Exception as exc:  # noqa: BLE001  # too large, as a rule: the parts fail with it, none is lost
            self.fail(exc)

    def fail(self, error: BaseException) -> None:
        """Have all parts fail."""
        for part in self.parts:
            part.held.fail(error)


class Groups:
    """The groups that are not complete, by what their parts have in common."""

    def __init__(self) -> None:
        #: The oldest first.
        self._groups: dict[Hashable, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def held(self) -> int:
        """How many parts are held."""
        return sum(len(group.parts) for group in self._groups.values())

    def of(self, key: Hashable, now_s: float) -> Group:
        """The group of that key; it may be a new one."""
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key, now_s)
        return group

    def take(self, key: Hashable) -> Group:
        """Take a group out."""
        return self._groups.pop(key)

    def take_older(self, began_s: float) -> Iterator[Group]:
        """Take out those that began then or before."""
        while self._groups:
            key, group = next(iter(self._groups.items()))
            if group.began_s > began_s:
                return
            del self._groups[key]
            yield group

    def take_all(self) -> Iterator[Group]:
        """Take all of them out, the oldest first."""
        return self.take_older(float("inf"))
