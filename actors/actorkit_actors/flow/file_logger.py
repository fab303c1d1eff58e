"""What actors log, in files."""

from __future__ import annotations

import datetime
import json
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from msgspec import Meta

from actorkit import Actor, LogEvent
from actorkit.errors import MalformedEvent, ServiceUnavailable, SettingsError
from actorkit.event.selector import Selector, View, text_of
from actorkit.params import Problem
from actorkit_actors.flow.log_file import LogFile
from actorkit_actors.flow.redaction import Redaction

#: Levels, the least one first.
LEVELS: Final = ("debug", "info", "warning", "error", "critical")

#: Names that files may have: no folder, nothing hidden.
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")

#: How control characters are written, so that nobody forges a line or a terminal's commands.
_ESCAPED: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029)} | {
    10: "\\n",
    13: "\\r",
    9: "\\t",
}

#: The last second that a time can be, in seconds since 1970: that of the year 9999.
_LAST_S: Final = 253_402_300_799.0


class FileLogger(Actor):
    """Writes what comes out of `log` outboxes to a file, a line each.

    A line has time, level, actor, trace and message; line breaks in it are escaped. With `redact` it hides what groups
    of patterns match; secrets of the topology are never shown. A file that would get longer than `max_file_bytes` is
    moved to `NAME.1`, and so on up to `keep_files`. Who moves the file away, as logrotate does, finds a new one.

    Failures:
        MalformedEvent (400): `file_from` finds what is no plain name of a file.
        ConversionError (400): the event is no log record.
        ServiceUnavailable (503): the file cannot be written, as on a disk that is full. `retries` helps.
    """

    NAME: ClassVar[str] = "file-logger"
    EXTRA: ClassVar[str] = "flow"
    KEEPS: ClassVar[dict[str, str]] = {"folder": "/var/lib/actorkit/data"}
    SETTLES: ClassVar[str] = "when the line is in the file; a host that loses its power may lose the last ones"
    REPEATS: ClassVar[str] = "no"

    class Params(Actor.Params, frozen=True, kw_only=True):
        folder: Annotated[str, Meta(description="folder of the files; a volume in a deployment")] = (
            "/var/lib/actorkit/data"
        )
        file: Annotated[str, Meta(description="name of the file")] = "actorkit.log"
        file_from: Annotated[
            str, Meta(description="path to the name of an event's file (data/actor); where it finds nothing, file")
        ] = ""
        level: Annotated[
            Literal["debug", "info", "warning", "error", "critical"], Meta(description="what is less is left out")
        ] = "info"
        format: Annotated[Literal["text", "json"], Meta(description="what a line is")] = "text"
        redact: Annotated[
            tuple[str, ...], Meta(description="RE2 patterns; what their groups match is left out, or the whole match")
        ] = ()
        max_file_bytes: Annotated[int, Meta(ge=1024, description="length at which a file is moved away")] = 20_000_000
        keep_files: Annotated[int, Meta(ge=0, le=1000, description="how many of those are kept, for each name")] = 10

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """A name that is none, and patterns that are none."""
        if not _NAME.fullmatch(params.file):
            yield Problem("file", f'"{params.file}" is no plain name of a file; folder says where it is')
        try:
            Redaction(params.redact)
        except SettingsError as exc:
            path, _, message = exc.message.partition(": ")
            yield Problem(path, message)

    def setup(self) -> None:
        """Make the folder.

        Raises:
            SettingsError: it cannot be made, or a parameter is wrong.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        self._redact = Redaction(self.params.redact)
        self._find = Selector(at=self.params.file_from).compile() if self.params.file_from else None
        self._folder = Path(self.params.folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise SettingsError(f'folder: "{self._folder}" cannot be made: {exc.strerror}') from exc

    def consume(self, event: LogEvent) -> None:
        """Write the line.

        Raises:
            MalformedEvent: the name of its file is none.
            ServiceUnavailable: it cannot be written.
        """
        level = event.level.lower()
        if level in LEVELS and LEVELS.index(level) < LEVELS.index(self.params.level):
            return
        path = self._folder / self._name(event)
        try:
            LogFile(path, self.params.max_file_bytes, self.params.keep_files).add(self._line(event, level))
        except OSError as exc:
            raise ServiceUnavailable(f'"{path}" cannot be written: {exc.strerror}') from exc

    def _name(self, event: LogEvent) -> str:
        found = self._find(View(event)) if self._find is not None else []
        name = text_of(found[0]) if found else self.params.file
        if not _NAME.fullmatch(name):
            raise MalformedEvent(f"{name[:200]!r} is no plain name of a file")
        return name

    def _line(self, event: LogEvent, level: str) -> bytes:
        when = datetime.datetime.fromtimestamp(_time(event), datetime.UTC)
        told = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = self._redact(event.message)
        if self.params.format == "json":
            line = json.dumps(
                {"time": told, "level": level, "actor": event.actor, "instance": event.instance}
                | {"event": event.trace, "message": message},
                ensure_ascii=False,
            ).translate({code: f"\\u{code:04x}" for code in _ESCAPED})
        else:
            line = f"{told} {level.upper()} actor={event.actor}, id={event.trace} :: {message}".translate(_ESCAPED)
        return f"{line}\n".encode("utf-8", "backslashreplace")


def _time(event: LogEvent) -> float:
    """When it was logged; now, where the record says nothing of use."""
    given: Any = event.data.get("time")
    if isinstance(given, int | float) and 0 < given < _LAST_S:
        return float(given)
    return time.time()
