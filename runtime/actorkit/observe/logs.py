"""Logs to standard error, as text or as JSON lines, with topology, actor, instance and the event at hand; without what
is secret (`actorkit.observe.redact`)."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from actorkit.observe import redact

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

#: Lines that are kept, and how much of each, in characters.
MOST_LINES: Final = 200
MOST_CHARACTERS: Final = 4096

#: `trace` of the event that is being consumed, "" when there is none.
Trace = Callable[[], str]


class _Formatter(logging.Formatter):
    def __init__(self, topology: str, actor: str, instance: str, trace: Trace) -> None:
        super().__init__()
        self._topology = topology
        self._actor = actor
        self._instance = instance
        self._trace = trace

    def _time(self, record: logging.LogRecord) -> str:
        """RFC 3339 §5.6, UTC, with milliseconds."""
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self._time(record),
            "level": record.levelname.lower(),
            "topology": self._topology,
            "actor": self._actor,
            "instance": self._instance,
            "logger": record.name,
            "message": redact.text(record.getMessage()),
        }
        trace = self._trace()
        if trace:
            entry["event"] = trace
        if record.exc_info:
            entry["exception"] = redact.text(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(_Formatter):
    """One line for people; a line break inside a message is shown as `\\n`, so that nobody forges a line."""

    def format(self, record: logging.LogRecord) -> str:
        trace = self._trace()
        message = redact.text(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        line = f"{self._time(record)} {record.levelname.lower():7} {self._actor}: {message}"
        if trace:
            line += f" event={trace}"
        if record.exc_info:
            line += "\n" + redact.text(self.formatException(record.exc_info))
        return line


FORMATTERS: dict[str, type[_Formatter]] = {"json": JsonFormatter, "text": TextFormatter}


class LastLines(logging.Handler):
    """Keeps the last lines of the log in memory, as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=MOST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record)[:MOST_CHARACTERS])

    def text(self) -> str:
        """The lines, the oldest first."""
        return "".join(f"{line}\n" for line in tuple(self._lines))


#: The last lines of this process's log.
last_lines: Final = LastLines()


def configure(format_: str, level: str, *, topology: str, actor: str, instance: str, trace: Trace = lambda: "") -> None:
    """Send the root logger to standard error in that format, and keep its last lines."""
    root = logging.getLogger()
    root.handlers[:] = [logging.StreamHandler(sys.stderr), last_lines]
    for handler in root.handlers:
        handler.setFormatter(FORMATTERS[format_](topology, actor, instance, trace))
    root.setLevel(LEVELS[level])
