"""Regular expressions whose time is bounded."""

from __future__ import annotations

import time
from typing import Any, Final

import regex

#: Patterns that are kept compiled; documents may bring their own.
_MAX_KEPT: Final = 256


class Search:
    """Matches texts against patterns (RFC 9485, near enough), all together for no longer than the time of one event."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._end = 0.0
        self._compiled: dict[str, Any] = {}

    def begin(self) -> None:
        """Begin with an event."""
        self._end = time.monotonic() + self._timeout_s

    def __call__(self, pattern: str, text: str, whole: bool) -> bool:
        """Whether the pattern matches the whole text, or is found in it; what is no pattern matches nothing.

        Raises:
            TimeoutError: the time of the event is over.
        """
        compiled = self._compiled.get(pattern, self)
        if compiled is self:
            if len(self._compiled) >= _MAX_KEPT:
                self._compiled.clear()
            compiled = self._compiled[pattern] = _compile(pattern)
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"patterns took longer than {self._timeout_s:g} s (pattern_timeout_s)")
        if compiled is None:
            return False
        matcher = compiled.fullmatch if whole else compiled.search
        try:
            return matcher(text, timeout=left) is not None
        except TimeoutError as exc:
            raise TimeoutError(f"patterns took longer than {self._timeout_s:g} s (pattern_timeout_s)") from exc


def _compile(pattern: str) -> Any:
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError):
        return None
