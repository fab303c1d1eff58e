"""What of an arrival is consumed, and who looks at it on the way in. While nobody does, nothing stands there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from actorkit.edge import wire
from actorkit.edge.receive_session import ReceiveSession

#: What a worker has to consume of an arrival (`DedupWindow.admit`): runs of events, each with its first number.
Admit: TypeAlias = Callable[
    [int, ReceiveSession, int, list[wire.Delivery], bool], Iterable[tuple[int, list[wire.Delivery]]]
]

#: Makes of what admits events something that looks at them as well, and admits the same ones.
Look: TypeAlias = Callable[[Admit], Admit]


class Intake:
    """`admit` is for the workers of one instance."""

    def __init__(self, admit: Admit) -> None:
        self._bare = admit
        self._looks: list[Look] = []
        self.admit = admit

    def look(self, look: Look) -> Callable[[], None]:
        """Look at what comes from now on; the function ends that."""
        self._looks.append(look)
        self._build()

        def end() -> None:
            self._looks.remove(look)
            self._build()

        return end

    def _build(self) -> None:
        admit = self._bare
        for look in self._looks:
            admit = look(admit)
        self.admit = admit
