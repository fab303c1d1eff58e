"""Events in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import SettingsError
from actorkit.event.selector import Find, Selector, View, text_of
from actorkit.params import Problem
from actorkit_actors.flow.redaction import Redaction

#: Levels by their names.
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class EventLogger(Actor):
    """Logs each event in the log of its instance, and in its outbox `log` where that is connected; passes it on.

    A line is the prefix and what is at each of the places of `show`, as `data=…`; what is missing is left out. What
    groups in the patterns of `redact` match is REDACTED in it, and secrets of the topology are never shown. The log
    names the event's trace by itself.
    """

    NAME: ClassVar[str] = "event-logger"
    EXTRA: ClassVar[str] = "flow"

    class Params(Actor.Params, frozen=True, kw_only=True):
        level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="level of the line")] = "info"
        show: Annotated[
            tuple[str, ...],
            Meta(description="paths of what is shown: data, data/total, attributes/kind, http/path, failure/message"),
        ] = ("data",)
        prefix: Annotated[str, Meta(description="text before what is shown")] = ""
        redact: Annotated[
            tuple[str, ...], Meta(description="RE2 patterns; what their groups match is left out, or the whole match")
        ] = ()
        max_chars: Annotated[
            int, Meta(ge=1, description="longest text of one place, in characters; the rest is cut")
        ] = 10_000

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Patterns that are none."""
        try:
            Redaction(params.redact)
        except SettingsError as exc:
            path, _, message = exc.message.partition(": ")
            yield Problem(path, message)

    def setup(self) -> None:
        """Compile places and patterns.

        Raises:
            SettingsError: a pattern is none.
        """
        self._redact = Redaction(self.params.redact)
        self._places: list[tuple[str, Find]] = [(path, Selector(at=path).compile()) for path in self.params.show]

    def consume(self, event: Event) -> Event:
        """Log the event."""
        level = LEVELS[self.params.level]
        if self.log.isEnabledFor(level):
            self.log.log(level, "%s", self._line(event))
        return event

    def _line(self, event: Event) -> str:
        view, parts = View(event), []
        for path, find in self._places:
            for value in find(view):
                # First what must not be shown: a cut could go through the middle of it.
                text = self._redact(text_of(value))
                cut = len(text) - self.params.max_chars
                text = f"{text[: self.params.max_chars]}… ({cut} characters more)" if cut > 0 else text
                parts.append(f"{path}={text}")
        return self.params.prefix + " ".join(parts)
