"""The HTTP side of an event that is given to an actor without any server: `POST /orders?a=1`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from actorkit import Http


def http_side(method: str, target: str, headers: Mapping[str, str] | None = None) -> Http:
    """What an event knows of a request with that method, target (path and query) and header fields."""
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    names = {name.lower(): value for name, value in (headers or {}).items()}
    return Http(method=method, path=parts.path or "/", query=query, headers=names)
