"""Logins that were right: remembered without their passwords, so that only the first one pays for the hash."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

#: How many logins are remembered.
MOST_REMEMBERED: Final = 4096


class Remembered:
    """Names by the digests of their logins; of too many, those go that were not used for longest."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._names: OrderedDict[bytes, str] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Remembered {len(self._names)} of at most {self._most} logins>"

    def __len__(self) -> int:
        return len(self._names)

    def add(self, digest: bytes, name: str) -> None:
        """Remember a login that was right."""
        if len(self._names) >= self._most:
            self._names.popitem(last=False)
        self._names[digest] = name

    def name_of(self, digest: bytes) -> str | None:
        """Whose login it is; None for one that is not remembered."""
        name = self._names.get(digest)
        if name is not None:
            self._names.move_to_end(digest)
        return name
