"""One event for each window of events."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from actorkit import Event, every
from actorkit.event.selector import Selector
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit_actors.flow.gathered import Part
from actorkit_actors.flow.gathering import Gathering
from actorkit_actors.flow.merged import Merge, RootParam, ToParam
from actorkit_actors.flow.windows import LOOK_S, WindowParams, Windows, problems


class Aggregator(Gathering):
    """Makes one event of all that come in a window.

    A window ends with its `count`-th event, or `window_s` after its first one, or before an event with which it would
    have more data than `max_bytes`. With `key` there is one for each value that stands there; the attribute `key` tells
    it. What goes on (`to`) is a list of the data in the order in which they came, one object with the fields of all, or
    XML with all of them inside. It has the attributes of all, the later ones winning, and `count`, how many there were.

    The events of a window stay unacknowledged until what was made of them is finished: an instance that is killed loses
    none. In a drain, when no more can come, open windows end. Events that wait take up the window of their connection
    (8192 by default): with more keys or longer windows than that, make it wider. With several replicas and `key`, give
    the connection the same `key`.

    Failures:
        MalformedEvent (400): the event has nothing at `key`, or its data cannot be put together as `to` says.
    """

    NAME: ClassVar[str] = "aggregator"
    EXTRA: ClassVar[str] = "flow"

    class Params(WindowParams, frozen=True, kw_only=True):
        to: ToParam = "list"
        root: RootParam = "parts"
        key: Annotated[Selector | None, Meta(description="what the events of a window have in common")] = None

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        yield from problems(params)
        yield from super().check(params)

    def setup(self) -> None:
        """Compile the key.

        Raises:
            SettingsError: a parameter is wrong.
        """
        super().setup()
        self._windows = Windows(self.params)

    def consume(self, event: Event) -> None:
        """Put the event into its window.

        Raises:
            MalformedEvent: it belongs to none.
        """
        key, value = self.key_of(event), self.merge.read(event)
        part = Part(self.hold(event), event, value)
        for group in self._windows.add(key, part, len(event.encoded()[1]), self.clock()):
            group.finish(_Counted(self.merge, group.key))

    @every(LOOK_S)
    def look(self) -> None:
        """End the windows whose time is over."""
        for group in self._windows.ended(self.clock()):
            group.finish(_Counted(self.merge, group.key))

    def end_input(self) -> None:
        """End all windows: no more will come."""
        for group in self._windows.all():
            group.finish(_Counted(self.merge, group.key))

    def figures(self) -> Iterable[Figure]:
        """Events that wait."""
        yield Figure("actorkit_window_events", "Events that wait in windows.", self._windows.held)


class _Counted:
    """What a merge makes, with how many events are in it and what they have in common."""

    def __init__(self, merge: Merge, key: Hashable) -> None:
        self._merge = merge
        self._more: dict[str, Any] = {} if key is None else {"key": key}

    def whole(self, base: Event, events: Sequence[Event], values: Sequence[Any]) -> Event:
        made = self._merge.whole(base, events, values)
        made.attributes.update(self._more, count=len(events))
        return made
