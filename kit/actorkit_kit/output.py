"""What other programs wrote."""

from __future__ import annotations

from collections.abc import Sequence


def last_line(written: str | Sequence[str]) -> str:
    """The last line that is not blank, of a text or of lines: there most programs say why they failed."""
    lines = written.splitlines() if isinstance(written, str) else written
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
