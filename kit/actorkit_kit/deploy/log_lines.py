"""Lines of logs as `docker compose logs --timestamps` writes them: read, and written for people or machines.

execute-1  | 2026-11-28T20:51:28.123456789Z {"time": "…", "level": "info", "message": "draining", …}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

#: What compose writes before each line to clear it, also when it does not write to a terminal (ECMA-48 EL).
_CLEAR_LINE: Final = "\x1b[2K"
_LINE: Final = re.compile(r"(\S+)\s*\| (\d{4}-\d\d-\d\dT[\d:.]+Z) ?(.*)")

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

#: Fields of a line of ours that have a place of their own where it is written for people, or say nothing new there.
_SHOWN: Final = ("time", "level", "message", "exception", "topology", "actor", "instance", "logger")


@dataclass(frozen=True, order=True)
class LogLine:
    """One line: when the engine got it (RFC 3339, nanoseconds, UTC), whose it is, and what it says."""

    time: str
    instance: str
    text: str

    def fields(self) -> dict[str, Any]:
        """The fields of a line in JSON; of any other the text as its message."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            found = None
        return found if isinstance(found, dict) else {"message": self.text}

    def for_machines(self) -> str:
        """One JSON object on one line; `container` is whose it is."""
        return json.dumps({"time": self.time, **self.fields(), "container": self.instance}, ensure_ascii=False)

    def for_people(self, width: int) -> Iterator[str]:
        """The time, the instance in so many columns, and what it says; then the lines of an exception."""
        fields = self.fields()
        when = self.time.replace("T", " ")[:23]
        level = str(fields["level"]) if "level" in fields else ""
        more = "".join(f" {name}={value}" for name, value in fields.items() if name not in _SHOWN)
        yield _printable(f"{when} {self.instance:<{width}} {level:<7} {fields.get('message', '')}{more}")
        for line in str(fields.get("exception", "")).splitlines():
            yield _printable(f"{'':<{len(when)}} {self.instance:<{width}}         {line}")


def read_lines(written: Iterable[str]) -> Iterator[LogLine]:
    """The lines that compose writes; one that it says itself is left out."""
    for line in written:
        found = _LINE.fullmatch(line.removeprefix(_CLEAR_LINE).rstrip("\r\n"))
        if found is not None:
            yield LogLine(pad_time(found[2]), found[1], found[3])


def _printable(text: str) -> str:
    """A line in which nothing steers a terminal or begins another line: a stranger's text may stand in it."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def pad_time(time: str) -> str:
    """A time that sorts as a text: the engine leaves out zeros at the end of a fraction."""
    seconds, _, fraction = time.removesuffix("Z").partition(".")
    return f"{seconds}.{fraction:0<9}Z"
