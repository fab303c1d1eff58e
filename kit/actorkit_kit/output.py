"""What other programs wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

#: How a record of an actor's log begins, as text.
_RECORD: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warning|error|critical) ")


def last_line(written: str | Sequence[str]) -> str:
    """The last line that is not blank, of a text or of lines: there most programs say why they failed."""
    lines = written.splitlines() if isinstance(written, str) else written
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def last_error(lines: Sequence[str]) -> str:
    """The end of the last complaint of an actor: what it wrote outside of its log, or logged as an error, with the
    traceback below. The last line where it has not complained."""
    complaint: list[str] = []
    complains = True
    for line in lines:
        if record := _RECORD.match(line):
            complains = record[1] in ("error", "critical")
        if line.strip() and (complains or not record):
            complaint.append(line)
    return last_line(complaint or lines)
