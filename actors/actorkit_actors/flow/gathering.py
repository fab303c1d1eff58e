"""Actors that hold events until they make one of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from actorkit import Actor, Event
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.event.selector import View, text_of
from actorkit.params import Problem
from actorkit_actors.flow.merged import Merge


class Gathering(Actor):
    """Has what finds the key that events share, and what puts them together. Its parameters are `to`, `root` and `key`,
    which a class declares as `ToParam`, `RootParam` and a selector or None."""

    params: Any

    #: Tells the time in seconds.
    clock: Callable[[], float] = staticmethod(monotonic)

    @classmethod
    def check(cls, params: Any) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            Merge(params.to, params.root)
        except SettingsError as exc:
            yield Problem("root", str(exc))
        try:
            if params.key is not None:
                params.key.compile()
        except SettingsError as exc:
            yield Problem("key", str(exc))

    def setup(self) -> None:
        """Compile the key.

        Raises:
            SettingsError: a parameter is wrong.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        self.merge = Merge(self.params.to, self.params.root)
        self._find = self.params.key.compile() if self.params.key is not None else None

    def key_of(self, event: Event) -> str | None:
        """The text at `key`, or None without that parameter.

        Raises:
            MalformedEvent: nothing is there.
        """
        if self._find is None:
            return None
        found = self._find(View(event))
        if not found:
            raise MalformedEvent("the event has nothing at `key`, so it belongs to no others")
        return text_of(found[0])
