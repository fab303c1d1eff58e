"""Which connections have no peer, and since when."""

from __future__ import annotations

from collections.abc import Iterable


class Absences:
    """Remembers when connections were first seen without a peer; `now` is a monotonic time in seconds."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def look(self, lonely: Iterable[str], now: float) -> str:
        """Take notice of the connections that have no peer now, and forget the others. What is missing, in words; ""
        when nothing is."""
        self._since = {connection: self._since.get(connection, now) for connection in lonely}
        parts = (f"{connection} for {now - since:.0f} s" for connection, since in self._since.items())
        return f"no peer behind {', '.join(parts)}" if self._since else ""
