"""The state of one instance, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InstanceStatus:
    """`name` is the one that the instance has in logs, metrics and dead letters: `execute-2`. `health` is a word, `why`
    what is wrong, "" for nothing; `restarts` is how often it was started again."""

    actor: str
    name: str
    health: str
    why: str = ""
    restarts: int = 0
    urls: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return self.health == "healthy"
