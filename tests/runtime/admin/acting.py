"""Asking an admin server as an operator does: with its token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.fleet import Fleet, Process
from tests.until import until


def ask(
    process: Process,
    path: str,
    token: str = "",
    data: bytes | None = None,
    query: Mapping[str, str | int] | None = None,
) -> tuple[int, str]:
    """A page: (status, body). With `data` it is a POST."""
    url = f"{process.admin}{path}?{urlencode(query)}" if query else f"{process.admin}{path}"
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def told(process: Process, path: str, token: str = "", data: bytes | None = None, **query: str | int) -> Any:
    """A page that is JSON."""
    status, text = ask(process, path, token, data, query)
    assert status == 200, text
    return json.loads(text)


def lines(process: Process, token: str, **query: str | int) -> list[dict[str, Any]]:
    """All lines of a tap, the last one included, that tells why it ended."""
    status, text = ask(process, "/tap", token, query=query)
    assert status == 200, text
    return [json.loads(line) for line in text.splitlines()]


class Circle:
    """`front` hears answers; what it would ask goes to `pass`, which fails on the multiples of 7, and comes back."""

    def __init__(self, fleet: Fleet, folder: Path, **passing: Any) -> None:
        self.file = folder / "token"
        params = json.dumps({"fail_every": 7, **passing})
        self.front = fleet.start("front", "tests.runtime.directing:Asker", outbox_pass="pass", sample="1")
        self.passing = fleet.start(
            "pass",
            "tests.probes:Pass",
            params=params,
            outbox_front="front",
            sample="1",
            admin_token=str(self.file),
        )
        until(lambda: self.front.ready() and self.passing.ready(), "both are ready")

    @property
    def token(self) -> str:
        return self.file.read_text()

    def put(self, number: int, **query: str | int) -> Any:
        """Put a number into `pass`, and wait for what becomes of it."""
        chosen = {"format": "json", "answers": "front", **query}
        return told(self.passing, "/put", self.token, json.dumps({"number": number}).encode(), **chosen)
