"""Which dead letters are meant: by actor, ids, reason, time, trace and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

#: A key is a trace and an id of so many digits each.
KEY_HALF: Final = 16


@dataclass(frozen=True)
class Query:
    """A choice of letters; what is left empty excludes nothing.

    since, until: when they failed, in seconds since 1970; `until` itself is out. after: the id of the letter to go on
    after. last: the `seq` of the last one that counts. limit: how many at most, 0: all.
    """

    actor: str = ""
    ids: tuple[str, ...] = ()
    reason: str = ""
    trace: str = ""
    key: str = ""
    since: float | None = None
    until: float | None = None
    after: str = ""
    last: int = 0
    limit: int = 0

    def where(self) -> tuple[str, list[Any]]:
        """The condition in SQL and its values; without `after` and `limit`."""
        given: list[tuple[str, Any]] = [
            ("actor = ?", self.actor),
            ("reason = ?", self.reason),
            ("trace = ?", self.trace),
            ("trace || id = ?", self.key),
            ("trace = ?", self.key[:KEY_HALF]),  # For its index.
            ("time >= ?", self.since),
            ("time < ?", self.until),
            ("seq <= ?", self.last),
        ]
        used = [(text, value) for text, value in given if value not in ("", None, 0)]
        values = [value for _, value in used]
        conditions = [text for text, _ in used]
        if self.ids:
            conditions.append(f"id IN ({','.join('?' * len(self.ids))})")
            values += self.ids
        return " AND ".join(conditions) or "1", values
