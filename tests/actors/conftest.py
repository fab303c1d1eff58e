from __future__ import annotations

from tests.actors.http_client import start

__all__ = ["start"]
