"""Progress of a build that nobody looks at."""

from __future__ import annotations


class Quiet:
    """Shows nothing, and knows what was built."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def started(self, tag: str) -> None:
        pass

    def line(self, tag: str, text: str) -> None:
        pass

    def finished(self, tag: str) -> None:
        self.built.append(tag)
