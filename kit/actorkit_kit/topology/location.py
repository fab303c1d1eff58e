"""Where something stands in a document, for those who read none."""

from __future__ import annotations

#: Where something is in a document: keys and, in lists, indexes.
Location = tuple[str | int, ...]

#: Line and column, from 1; (0, 0) when they are not known.
Place = tuple[int, int]
