"""Many events in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import ClassVar

from actorkit import Actor, Event, every
from actorkit.errors import SettingsError
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit_actors.flow.gathered import Part
from actorkit_actors.flow.packed import Packing, pack
from actorkit_actors.flow.windows import LOOK_S, WindowParams, Windows, problems


class Batch(Actor):
    """Packs many events into one, each of them whole.

    [unbatch](unbatch.md) makes the same events of it again. It is for what is dear by the piece: a request, a file, a
    message to elsewhere. A batch ends with its `count`-th event, or
    `window_s` after its first one, or before an event with which it would have more data than `max_bytes`. It is a list
    of JSON with an object for each event, in the order in which they came: `format` (`nothing`, `bytes`, `text`,
    `json`, `xml`, `form`), `data` (bytes as base64, XML and forms as text), `attributes` and `service`. The attribute
    `count` tells how many there are. What an event knows of its HTTP request stays behind. To have only the data of the
    events, take [aggregator](aggregator.md).

    The events stay unacknowledged until the batch is finished: an instance that is killed loses none. In a drain, when
    no more can come, what is there goes on.

    Failures:
        MalformedEvent (400): the data of the event is not what its format says, as text that is not UTF-8.
    """

    NAME: ClassVar[str] = "batch"
    EXTRA: ClassVar[str] = "xml"

    class Params(WindowParams, frozen=True, kw_only=True):
        pass

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        return problems(params)

    #: Tells the time in seconds.
    clock: Callable[[], float] = staticmethod(monotonic)

    def setup(self) -> None:
        """Begin.

        Raises:
            SettingsError: no batch would end.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        self._windows = Windows(self.params)
        self._packing = Packing()

    def consume(self, event: Event) -> None:
        """Put the event into the batch."""
        packed = pack(event)
        part = Part(self.hold(event), event, packed)
        for group in self._windows.add(None, part, len(event.encoded()[1]), self.clock()):
            group.finish(self._packing)

    @every(LOOK_S)
    def look(self) -> None:
        """End the batch whose time is over."""
        for group in self._windows.ended(self.clock()):
            group.finish(self._packing)

    def end_input(self) -> None:
        """End the batch: no more will come."""
        for group in self._windows.all():
            group.finish(self._packing)

    def figures(self) -> Iterable[Figure]:
        """Events that wait."""
        yield Figure("actorkit_window_events", "Events that wait in windows.", self._windows.held)
