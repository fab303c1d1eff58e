"""Asks an admin server for a page."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final

#: Longest wait for a page, in seconds.
PATIENCE_S: Final = 2.0

#: Asks without the proxy that the environment may name: what is asked is near.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Page:
    """What an admin server answered."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace").strip()


def fetch(
    address: str,
    path: str,
    patience_s: float = PATIENCE_S,
    *,
    body: bytes | None = None,
    fields: Mapping[str, str] | None = None,
) -> Page | None:
    """A page of the admin server at `host:port`; None where nobody answers in time. With a `body` it is sent there, and
    `fields` are header fields."""
    request = urllib.request.Request(f"http://{address}{path}", body, dict(fields or {}))
    try:
        with _open(request, patience_s) as answer:
            return Page(answer.status, answer.read())
    except (OSError, ValueError, HTTPException):
        return None


def _open(request: urllib.request.Request, patience_s: float) -> Any:
    """The answer, whatever its status."""
    try:
        return _DIRECTLY.open(request, timeout=patience_s)
    except urllib.error.HTTPError as error:
        return error
