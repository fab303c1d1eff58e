from __future__ import annotations

from tests.actors.http.client import start

__all__ = ["start"]
